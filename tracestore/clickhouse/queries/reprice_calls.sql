-- The calls that a recalculation is about; an empty pattern is any model.
project = {project:String} AND type IN ('llm', 'embedding') AND usage_rule != ''
AND start_time >= toDateTime64({since:String}, 9, 'UTC') AND start_time < toDateTime64({until:String}, 9, 'UTC')
AND ({pattern:String} = '' OR match(lowerUTF8(model), {pattern:String}) OR match(lowerUTF8(request_model), {pattern:String}))
AND ({provider:String} = '' OR lowerUTF8(provider) = lowerUTF8({provider:String}))
