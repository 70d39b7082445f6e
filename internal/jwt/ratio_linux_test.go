package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

// BenchmarkVerifyOfRaw is the CPU that Verify takes of an ES256 token, beside the
// bare verification of a signature over as much text: 1.1 times is the goal
// (performance goal 10). Both take turns on one thread, and the median of the
// turns counts, so that a busy machine matters little.
func BenchmarkVerifyOfRaw(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k := generate(b, jwt.ES256)
	token, err := k.Sign("at+jwt", []byte(goodClaims))
	if err != nil {
		b.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(token[:strings.LastIndexByte(token, '.')])
	sum := sha256.Sum256(text)
	signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	find, e := only(k), expected()
	var ratios []float64
	for b.Loop() {
		begun := threadTime(b)
		for range 50 {
			if s := sha256.Sum256(text); !ecdsa.VerifyASN1(&private.PublicKey, s[:], signature) {
				b.Fatal("the bare signature is not good")
			}
		}
		between := threadTime(b)
		for range 50 {
			if _, err := jwt.Verify(token, find, e); err != nil {
				b.Fatal(err)
			}
		}
		ratios = append(ratios, float64(threadTime(b)-between)/float64(between-begun))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-raw")
}

// threadTime is the CPU time of this thread so far.
func threadTime(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
