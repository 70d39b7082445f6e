package doctor

import (
	"fmt"
	"time"
)

const (
	// beside is what the server needs for everything else, in bytes.
	beside = 64 << 20
	// patience is how long somebody waits for a sign-in.
	patience = 15 * time.Second
)

// hashing compares the cost of hashing with what the machine has.
func (j *judge) hashing() {
	p, m := j.Settings.Password, j.Machine
	each := uint64(p.MemoryKiB) << 10
	if need := uint64(p.Workers)*each + beside; m.Memory > 0 && need > m.Memory {
		fit := 0
		if m.Memory > beside {
			fit = int((m.Memory - beside) / each)
		}
		cure := fmt.Sprintf("password.workers: %d", fit)
		if fit < 1 {
			cure = fmt.Sprintf("give it more memory: %s at least for one worker", size(each+beside))
		}
		j.add("hashing-memory", "password.workers", cure+", or raise the limit", "%d hashes at once of %s each, and %s beside them, are more than the %s of %s",
			p.Workers, size(each), size(beside), size(m.Memory), m.MemoryOf)
	}
	if m.Cores > 0 && p.Workers > 2*m.Cores {
		j.add("hashing-workers", "password.workers", fmt.Sprintf("password.workers: %d, or leave it out", m.Cores), "%d hashes at once on %d cores", p.Workers, m.Cores)
	}
	if m.Hash <= 0 || m.Cores <= 0 {
		return
	}
	limit := patience
	if w := j.Settings.WriteTimeout; w > 0 {
		limit = min(limit, w)
	}
	wait := time.Duration(float64(m.Hash) * float64(p.Workers+p.Queue) / float64(min(p.Workers, m.Cores)))
	if wait > limit {
		setting, cure := "password.queue", "shorten password.queue"
		if m.Hash > 2*time.Second {
			setting, cure = "password.memory_kib", "lower password.memory_kib or password.passes; the defaults, 19456 and 2, are enough"
		}
		j.add("hashing-slow", setting, cure, "a hash takes about %s here, so the last of %d waits %s", m.Hash.Round(10*time.Millisecond), p.Workers+p.Queue, wait.Round(time.Second))
	}
}
