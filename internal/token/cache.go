package token

import (
	"crypto/sha256"
	"sync"
)

const (
	cacheShards = 16 // a power of two
	// cachePerShard bounds the memory: with all shards some 16,000 tokens, less
	// than 16 MB.
	cachePerShard = 1024
)

// cache remembers tokens that were verified, by their SHA-256. It is no
// authority: what it returns is still asked of the index. The zero value is
// ready.
type cache struct {
	shards [cacheShards]struct {
		mu    sync.RWMutex
		known map[[sha256.Size]byte]*Access
	}
}

// fingerprint names a token. Those of ordinary length cost no memory.
func fingerprint(text string) [sha256.Size]byte {
	var room [2048]byte
	return sha256.Sum256(append(room[:0], text...))
}

func (c *cache) find(sum [sha256.Size]byte) *Access {
	s := &c.shards[sum[0]%cacheShards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known[sum]
}

// keep remembers the token, in place of whatever was known of it. When there is
// no room, some other one goes: it costs that one a verification.
func (c *cache) keep(sum [sha256.Size]byte, a *Access) {
	s := &c.shards[sum[0]%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[[sha256.Size]byte]*Access)
	}
	if _, there := s.known[sum]; !there && len(s.known) >= cachePerShard {
		for other := range s.known {
			delete(s.known, other)
			break
		}
	}
	s.known[sum] = a
}
