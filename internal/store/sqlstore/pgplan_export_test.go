package sqlstore

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Statements are the texts that reached PostgreSQL.
type Statements struct {
	mu  sync.Mutex
	all map[string]bool
}

// Record makes every statement of a store known.
func (s *Statements) Record(o PostgresOptions) PostgresOptions {
	o.tracer = s
	return o
}

// Nouns returns those that read or change rows, in their order.
func (s *Statements) Nouns() (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range slices.Sorted(maps.Keys(s.all)) {
		verb, _, _ := strings.Cut(text, " ")
		if slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb) && !strings.Contains(text, "pg_tables") &&
			!strings.Contains(text, pgVersionTable) && !strings.Contains(text, "server_version_num") && !strings.Contains(text, "pg_notify") {
			texts = append(texts, text)
		}
	}
	return texts
}

// Begun returns how transactions were begun.
func (s *Statements) Begun() (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range s.all {
		if strings.HasPrefix(text, "BEGIN") {
			texts = append(texts, text)
		}
	}
	return texts
}

func (s *Statements) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]bool)
	}
	s.all[text] = true
}

func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	s.note(d.SQL)
	return ctx
}

func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		s.note(q.SQL)
	}
	return ctx
}

func (s *Statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// Parameters counts the numbered parameters of a text.
func Parameters(text string) int { return parameters(text) }
