package user_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/roomtest"
	"github.com/gatehouse-auth/gatehouse/internal/user"
	"github.com/gatehouse-auth/gatehouse/internal/user/transfer"
)

// BenchmarkImportUsers imports batches of new users, and the same again: ns/op
// is that of a batch, which is one transaction.
func BenchmarkImportUsers(b *testing.B) {
	for _, again := range []bool{false, true} {
		b.Run(map[bool]string{false: "new", true: "present"}[again], func(b *testing.B) {
			r := roomtest.New(b)
			im := importing(r)
			batch := func(i int) (list []transfer.User) {
				for j := range user.ImportBatch {
					n := fmt.Sprint(i*user.ImportBatch + j)
					list = append(list, transfer.User{
						Email: "user" + n + "@example.org", Username: "user" + n, Name: "User " + n, Roles: []string{"a", "b"}, Verified: true,
						PasswordHash: aHash, OldIDs: []auth.OldID{{Value: n, Main: true}, {Value: "gh-" + n}},
					})
				}
				return list
			}
			run := func(i int) {
				if _, err := im.Users(context.Background(), batch(i)); err != nil {
					b.Fatal(err)
				}
			}
			if again {
				run(0)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if again {
					i = 0
				}
				run(i)
			}
			b.ReportMetric(float64(b.N*user.ImportBatch)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
