package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/audit"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// asRecords makes of events what they were made from. Text of theirs that moves the
// cursor of a terminal is for whoever prints it.
func asRecords(events []management.Event) []audit.Record {
	list := make([]audit.Record, len(events))
	for i, e := range events {
		list[i] = audit.Record{
			Seq: e.Seq, ID: e.ID, At: e.At, Type: e.Type, Result: e.Result, Actor: e.Actor, User: e.UserID, Session: e.SessionID,
			Subject: e.Subject, Client: e.Client, Address: e.Address, Agent: e.Agent, Detail: e.Detail, MAC: e.MAC, Key: e.Key,
		}
	}
	return list
}

// ListEvents returns up to limit events, the youngest first.
func (c *Client) ListEvents(ctx context.Context, f audit.Filter, cursor string, limit int) (audit.Page, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, value := range map[string]string{"cursor": cursor, "type": strings.Join(f.Types, ","), "user_id": string(f.User), "actor": f.Actor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	var page management.Events
	err := c.do(ctx, call{method: http.MethodGet, path: "/audit/events", query: q}, &page)
	return audit.Page{Events: asRecords(page.Items), Next: page.Next}, err
}

// FollowEvents returns up to limit events behind the place, in order of the chain,
// and the place to go on from; a negative one is the end of the chain. The server
// waits for the first event as long as it may, and no longer than wait.
func (c *Client) FollowEvents(ctx context.Context, after int64, wait time.Duration, limit int) ([]audit.Record, int64, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "wait_seconds": {strconv.Itoa(int(wait / time.Second))}}
	if after >= 0 {
		q.Set("after", strconv.FormatInt(after, 10))
	}
	var page management.FollowedEvents
	err := c.do(ctx, call{method: http.MethodGet, path: "/audit/follow", query: q}, &page)
	return asRecords(page.Items), page.After, err
}
