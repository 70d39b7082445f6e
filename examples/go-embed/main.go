// Command go-embed is a small program that embeds Gatehouse: pages made by
// html/template and a JSON API, for everybody, for whoever is signed in, and
// for administrators. README.md says what to look at.
//
// It uses the public API alone, as any program could. app.go holds the routes;
// this file starts and ends what they need.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// options are what the command line says.
type options struct {
	listen, origin, data string
	// started, if not nil, is told the address once it is served.
	started func(address string)
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on")
	flag.StringVar(&o.origin, "origin", "http://localhost:8080", "address as the browser sees it")
	flag.StringVar(&o.data, "data", ".gatehouse-go-embed", "folder for the database and the secrets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends: first the listener goes, then the background
// work, then the store.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	own, shared, err := secrets(o.data)
	if err != nil {
		return err
	}
	cfg := gatehouse.Config{
		PublicOrigin:  o.origin,
		Name:          "Notebook",
		Secrets:       []gatehouse.Secret{own},
		Mounts:        []gatehouse.Mount{{BasePath: "/api/auth", Secrets: []gatehouse.Secret{shared}}},
		Database:      gatehouse.Database{Path: filepath.Join(o.data, "gatehouse.db")},
		Registration:  gatehouse.Registration{Mode: "open", Roles: []string{"user"}},
		ClientAddress: gatehouse.ClientAddress{PeerIsClient: true}, // browsers connect to us, no proxy is between
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	rules(&cfg)
	g, err := gatehouse.New(ctx, cfg)
	if err != nil {
		return err // every problem of the configuration at once
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if err := seed(ctx, g, out); err != nil {
		return err
	}

	background, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- g.Run(background) }()
	defer func() { end(); err = errors.Join(err, <-ended) }()

	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: newApp(g), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	fmt.Fprintf(out, "Open %s\n", o.origin)
	if o.started != nil {
		o.started(listener.Addr().String())
	}
	select {
	case err = <-served:
		return err
	case err = <-ended:
		ended <- nil // for the deferred one
		return errors.Join(err, srv.Close())
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return srv.Shutdown(limited)
}

// seed makes two users in a database that has none. Their passwords are random
// and told this once.
func seed(ctx context.Context, g *gatehouse.Gatehouse, out io.Writer) error {
	some, err := g.Users().List(ctx, "", 1)
	if err != nil || len(some) > 0 {
		return err
	}
	for _, u := range []gatehouse.NewUser{
		{Email: "ann@example.test", Name: "Ann", Roles: []string{"user"}},
		{Email: "root@example.test", Name: "Root", Roles: []string{"admin", "user"}},
	} {
		password := rand.Text()
		u.Password = gatehouse.Secret(password)
		if _, err := g.Users().Create(ctx, "go-embed", u); err != nil {
			return fmt.Errorf("make the user %s: %w", u.Email, err)
		}
		fmt.Fprintf(out, "%-18s password %s  roles %v\n", u.Email, password, u.Roles)
	}
	return nil
}
