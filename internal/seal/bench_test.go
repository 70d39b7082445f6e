package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

var now = time.Unix(1767225600, 0)

func benchOpen(b *testing.B, s *seal.Sealer) {
	token := mustSeal(b, s, string(claims))
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	b.ReportMetric(float64(len(claims)), "claim-bytes")
	for b.Loop() {
		got, err := s.AppendOpen(buf, token)
		if err != nil {
			b.Fatal(err)
		}
		if err := seal.CheckTimes(got, now); err != nil {
			b.Fatal(err)
		}
	}
}

// Goal: at most 1.5 µs.
func BenchmarkOpen_v4(b *testing.B) { benchOpen(b, mustNew(b, seal.V4, "", secret)) }

// Goal: at most 3 µs.
func BenchmarkOpen_v5(b *testing.B) { benchOpen(b, mustNew(b, seal.V5, cookie, secret)) }

func BenchmarkOpen_v5ByKidOfSecondSecret(b *testing.B) {
	token := mustSeal(b, mustNew(b, seal.V5, cookie, secret), string(claims))
	s := mustNew(b, seal.V5, cookie, other, secret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen_v4Parallel(b *testing.B) {
	s := mustNew(b, seal.V4, "", secret)
	token := mustSeal(b, s, string(claims))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Open(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchSeal(b *testing.B, s *seal.Sealer) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(claims); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal_v4(b *testing.B) { benchSeal(b, mustNew(b, seal.V4, "", secret)) }

func BenchmarkSeal_v5(b *testing.B) { benchSeal(b, mustNew(b, seal.V5, cookie, secret)) }

func BenchmarkScan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := seal.Scan(claims, func(_, _ []byte) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// The ciphers' own work on as many bytes, with nothing decoded or scanned: what
// the figures above are to be compared with on another machine.
func BenchmarkFloor_v4(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	iv, aad := make([]byte, 12), make([]byte, 39)
	sealed := gcm.Seal(nil, iv, claims, aad)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gcm.Open(buf, iv, sealed, aad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFloor_v5(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	mac := hmac.New(sha512.New, make([]byte, 32))
	text, iv, aad, sum := make([]byte, len(claims)/16*16), make([]byte, 16), make([]byte, 187), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(aad)
		mac.Write(text)
		mac.Sum(sum)
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	}
}
