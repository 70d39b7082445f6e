package doctor

// redis says whether the limits that servers share can be shared.
func (j *judge) redis() {
	if err := j.Redis; err != nil {
		j.add("redis-away", "redis.url", "start the Redis, or open the way to it; if it is not to be used any more, remove redis.url", "Redis cannot be used: %v", err)
	}
}
