package apikey_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
)

// keyCount is how many keys the table has; GATEHOUSE_KEYS says another number.
func keyCount(b *testing.B) int {
	text := os.Getenv("GATEHOUSE_KEYS")
	if text == "" {
		return 10_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("GATEHOUSE_KEYS: %v", err)
	}
	return n
}

// filled is a room beside that many keys of a thousand users, which all have the
// same secret, and the text of each.
func filled(b *testing.B, n, remembered int) (*office, func(i int) string) {
	b.Helper()
	o := newOffice(b, func(p *apikey.Options) { p.CacheEntries, p.Limits = remembered, nil })
	const secret = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
	users := make([]string, 100)
	for i := range users {
		users[i] = "('" + string(o.NewUser(b, fmt.Sprintf("user%d", i), "boss", "clerk").ID) + "', " + strconv.Itoa(i) + ")"
	}
	o.Exec(b, fmt.Sprintf(`WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < %d), owners(id, n) AS (VALUES %s)
		INSERT INTO api_keys SELECT printf('key_0195a7b4-9d4b-7000-8000-%%012x', i), 'live', 'a key', owners.id, 1, 'cli', '["clerk"]', '["orders:read"]', '[]', 0, 0,
			'%s', '', 1, 1770000000000000, 4070000000000000, NULL, NULL FROM number JOIN owners ON owners.n = i %% 100`,
		n-1, strings.Join(users, ", "), roomtest.HashOf(auth.Secret(secret))))
	return o, func(i int) string {
		body := fmt.Sprintf("gh_live_0195a7b49d4b70008000%012x_", i) + secret
		return body + apikey.Checksum(body)
	}
}

// A check of keys that were seen before, beside all those that are in the table:
// of as many as are in use on a server, and of very many.
func BenchmarkVerifyWarm(b *testing.B) {
	n := keyCount(b)
	o, text := filled(b, n, n)
	for _, used := range []int{1024, min(n, 65_536)} {
		texts := make([]string, used)
		for i := range texts {
			texts[i] = text(i * (n / used))
			if _, err := o.room.Verify(b.Context(), texts[i], nowhere); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("of %d, %d in use", n, used), func(b *testing.B) {
			o.reads.n = 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := o.room.Verify(b.Context(), texts[i%used], nowhere); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(o.reads.n)/float64(b.N), "reads/op")
		})
	}
}

// A check of keys that are not remembered: each is read.
func BenchmarkVerifyCold(b *testing.B) {
	n := keyCount(b)
	o, text := filled(b, n, 1)
	texts := make([]string, 65_536)
	for i := range texts {
		texts[i] = text((i * 7919) % n)
	}
	b.Run(fmt.Sprintf("of %d", n), func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := o.room.Verify(b.Context(), texts[i%len(texts)], nowhere); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What is no key costs the database nothing, and little else.
func BenchmarkVerifyGarbage(b *testing.B) {
	o := newOffice(b)
	text := strings.Repeat("gh_live_0195a7b49d4b70008000", 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.room.Verify(b.Context(), text, nowhere); err == nil {
			b.Fatal("good")
		}
	}
}

// What a check of a remembered key leaves to the collector: the IDs as text.
func TestVerify_allocatesLittle(t *testing.T) {
	o := newOffice(t)
	ann := o.NewUser(t, "ann", "boss")
	text := o.made(apikey.Draft{UserID: ann.ID, Scopes: []string{"orders:read"}}).Text.Reveal()
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := o.room.Verify(ctx, text, inside); err != nil {
			t.Fatal(err)
		}
	}); n > 3 {
		t.Errorf("%v allocations for a check of a key seen before, want 3 at most", n)
	}
}
