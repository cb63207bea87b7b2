SELECT count()
/*include settle_unconfirmed*/
