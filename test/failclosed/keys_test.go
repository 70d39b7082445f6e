package failclosed_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// keyChanges change what tokens are signed with. There is one set of keys for
// everybody, so the walks follow one another on it.
func keyChanges() []journey {
	active := func(s *site) *scene { // with a next key, whatever the walk before left
		if err := s.Keys().Prepare(context.Background()); err != nil {
			s.t.Fatal(err)
		}
		return &scene{person: s.stranger(), extra: s.activeKey()}
	}
	command := func(do func(c *scene, ctx context.Context) error) func(c *scene, ctx context.Context) answer {
		return func(c *scene, ctx context.Context) answer {
			if err := do(c, ctx); err != nil {
				fmt.Fprint(c.site.log, err) // whoever commands gets the cause
				return answer{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}}}
			}
			return answer{status: http.StatusOK}
		}
	}
	rotate := func(c *scene, ctx context.Context) error {
		_, err := c.site.Keys().Rotate(ctx, "test", jwt.ES256, true)
		return err
	}
	retire := func(c *scene, ctx context.Context) error {
		_, err := c.site.Keys().Retire(ctx, "test", c.extra, true)
		return err
	}
	done := status(http.StatusOK)
	return []journey{
		{
			name: "key rotation", prepare: active, act: command(rotate), good: done,
			after: func(c *scene, _ answer, acknowledged, _ bool) {
				now := c.site.activeKey()
				if acknowledged && now == c.extra {
					c.t.Error("acknowledged, and the old key signs")
				}
				if !c.site.Keys().Knows(c.extra) || !c.site.Keys().Knows(now) {
					c.t.Error("what a key has signed that was not retired is refused")
				}
			},
		},
		{
			name: "key retired at once", prepare: active, act: command(retire), good: done,
			after: func(c *scene, _ answer, acknowledged, sure bool) {
				gone := c.site.activeKey() != c.extra
				if acknowledged && !gone {
					c.t.Error("acknowledged, and the key signs")
				}
				if known := c.site.Keys().Knows(c.extra); known == gone {
					c.t.Errorf("the key has gone: %t; what it signed is taken: %t", gone, known)
				}
			},
			again: func(c *scene) error {
				c.extra = c.site.activeKey()
				return retire(c, context.Background())
			},
		},
	}
}

// activeKey is the one that signs. Whatever happened, there is one, it signs, and
// it is published.
func (s *site) activeKey() (id string) {
	s.t.Helper()
	list, err := s.kept.ListKeys(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range list {
		if k.State != auth.KeyActive {
			continue
		}
		if id != "" || len(k.Private) == 0 {
			s.t.Errorf("two keys sign, or one without its private part: %s, %s", id, k.ID)
		}
		id = k.ID
	}
	published, _, err := s.Keys().JWKS()
	if err != nil || id == "" || !bytes.Contains(published, []byte(id)) {
		s.t.Errorf("%q is not published: %v %s", id, err, published)
	}
	if _, err := s.Keys().Sign(jwt.ES256, "test+jwt", []byte(`{}`)); err != nil {
		s.t.Errorf("sign: %v", err)
	}
	return id
}
