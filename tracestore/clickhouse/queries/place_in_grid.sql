toUInt32(intDiv(toUnixTimestamp(start_time) - {origin:Int64}, {step:Int64}))
