SELECT DISTINCT project FROM stored_histories WHERE history = {history:String} AND start_time = {start:DateTime64(9, 'UTC')}
