-- Their whole rows, to be written again with what resolving changed.
SELECT *
/*include settle_apart*/
