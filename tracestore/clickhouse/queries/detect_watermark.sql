SELECT if(count() = 0, 0, toUnixTimestamp64Micro(max(until))) FROM detected_until WHERE job = {job:String}
