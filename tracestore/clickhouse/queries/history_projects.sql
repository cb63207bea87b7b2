SELECT DISTINCT project
FROM stored_histories
WHERE history = {history:String} AND start_time >= {from:DateTime64(9, 'UTC')} AND subject != ''
