package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

const (
	ownSecret   = "mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"
	ownSecond   = "Zk1w,R5uXq0aVe7oIy2mCt9pBs4hNd8G" // a comma may be part of a secret
	appSecret   = "8uJw2QkZr5XcYb1LhTn7Ve0PsDf4Ga9M"
	otherSecret = "q2Nf7RxV0cTz5LmYw8KbJ3hGd6SpE1uA"
)

// least is the smallest environment that is accepted.
func least() map[string]string {
	return map[string]string{
		"GATEHOUSE_PUBLIC_ORIGIN":    "https://app.example",
		"GATEHOUSE_SECRETS":          ownSecret,
		"GATEHOUSE_MOUNTS_0_SECRETS": appSecret,
		"GATEHOUSE_BEHIND_PROXY":     "true",
	}
}

func environ(vars ...map[string]string) (out []string) {
	all := map[string]string{}
	for _, v := range vars {
		maps.Copy(all, v)
	}
	for name, text := range all {
		out = append(out, name+"="+text)
	}
	return out
}

// write makes a file that nobody else can read.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problemsOf returns the problems as "field: problem".
func problemsOf(t *testing.T, err error) []config.Problem {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a *config.Error", err, err)
	}
	return e.Problems
}

func fieldsOf(list []config.Problem) (out []string) {
	for _, p := range list {
		out = append(out, p.Field)
	}
	return out
}

// certificate makes a certificate that signs itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"app.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	key = write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	return cert, key
}

// asYAML writes one setting as a configuration file.
func asYAML(path, value string) string {
	var b strings.Builder
	indent := ""
	for {
		key, rest, more := strings.Cut(path, ".")
		list := strings.HasSuffix(key, "[0]")
		b.WriteString(indent + strings.TrimSuffix(key, "[0]") + ":")
		if !more {
			return b.String() + " " + value + "\n"
		}
		indent = strings.ReplaceAll(indent, "-", " ") + "  "
		b.WriteString("\n")
		if list {
			indent += "- "
		}
		path = rest
	}
}

const databaseURL = "postgres://gatehouse:horse%20battery@db.example:5432/gatehouse?sslmode=verify-full"

func TestLoad_everySettingBothWays(t *testing.T) {
	cert, key := certificate(t)
	secretFile := write(t, "secret", otherSecret+"\n")
	// For settings that mean nothing alone.
	api := map[string]string{"GATEHOUSE_TOKENS_AUDIENCES_0_ID": "https://api.example"}
	role := map[string]string{"GATEHOUSE_ROLES_0_NAME": "clerk"}
	claim := map[string]string{
		"GATEHOUSE_TOKENS_AUDIENCES_0_ID": "https://api.example", "GATEHOUSE_TOKENS_AUDIENCES_0_CLAIMS_0_NAME": "email",
		"GATEHOUSE_TOKENS_AUDIENCES_0_CLAIMS_0_FROM": "user.email",
	}
	client := map[string]string{
		"GATEHOUSE_TOKENS_CLIENTS_0_ID": "app", "GATEHOUSE_TOKENS_CLIENTS_0_AUDIENCES": "https://app.example/api/auth",
		"GATEHOUSE_TOKENS_CLIENTS_0_SECRET_HASH": strings.Repeat("1b", 32),
	}
	shown := map[string]string{"GATEHOUSE_MOUNTS_0_SESSION_CLAIMS_0_NAME": "tenant", "GATEHOUSE_MOUNTS_0_SESSION_CLAIMS_0_FROM": "user.email"}
	both := maps.Clone(client)
	maps.Copy(both, api)
	limit := map[string]string{"GATEHOUSE_RATE_LIMITS_0_NAME": "api", "GATEHOUSE_RATE_LIMITS_0_BURST": "20", "GATEHOUSE_RATE_LIMITS_0_SUSTAINED": "1000"}
	redis := map[string]string{"GATEHOUSE_REDIS_URL": "rediss://127.0.0.1:6380"}
	redisFile := write(t, "redis-url", "redis://:secret@127.0.0.1:6379/1\n")
	// What to set, and what else must be set with it.
	values := map[string]struct {
		text string
		with map[string]string
	}{
		"public_origin":                       {text: "https://other.example"},
		"secrets":                             {text: otherSecret},
		"secrets_file":                        {text: secretFile},
		"mounts[0].base_path":                 {text: "/auth"},
		"mounts[0].dialect":                   {text: "v5"},
		"mounts[0].secrets":                   {text: otherSecret},
		"mounts[0].secrets_file":              {text: secretFile},
		"mounts[0].pages.sign_in":             {text: "/in"},
		"mounts[0].pages.sign_out":            {text: "/out"},
		"mounts[0].pages.error":               {text: "/error"},
		"mounts[0].pages.verify_request":      {text: "/verify"},
		"mounts[0].pages.new_user":            {text: "/welcome"},
		"mounts[0].update_fields":             {text: "image,name"},
		"mounts[0].session_claims[0].name":    {text: "mail", with: shown},
		"mounts[0].session_claims[0].from":    {text: "user.name", with: shown},
		"mounts[0].session_claims[0].value":   {text: "x", with: shown},
		"mounts[0].adopt_until":               {text: "2026-12-31"},
		"mounts[0].carrier":                   {text: "stored"},
		"mounts[0].iron.cookie":               {text: "app-session", with: map[string]string{"GATEHOUSE_MOUNTS_0_CARRIER": "iron"}},
		"mounts[0].iron.ids":                  {text: "7", with: map[string]string{"GATEHOUSE_MOUNTS_0_CARRIER": "iron", "GATEHOUSE_MOUNTS_0_IRON_COOKIE": "app-session"}},
		"database.path":                       {text: filepath.Join(t.TempDir(), "g.db")},
		"database.url":                        {text: databaseURL},
		"database.url_file":                   {text: write(t, "url", databaseURL+"\n")},
		"database.feed_url":                   {text: databaseURL, with: map[string]string{"GATEHOUSE_DATABASE_URL": databaseURL}},
		"database.feed_url_file":              {text: write(t, "url", databaseURL+"\n"), with: map[string]string{"GATEHOUSE_DATABASE_URL": databaseURL}},
		"database.max_connections":            {text: "4"},
		"database.statement_timeout":          {text: "2s"},
		"database.skip_migrate":               {text: "true"},
		"registration.mode":                   {text: "open"},
		"registration.roles":                  {text: "a,b"},
		"roles[0].name":                       {text: "clerk"},
		"roles[0].description":                {text: "takes orders", with: role},
		"roles[0].permissions":                {text: "orders:*,billing.*:read", with: role},
		"roles[0].inherits":                   {text: "gatehouse.support,gatehouse.auditor", with: role},
		"password.min_length":                 {text: "20"},
		"password.context_words":              {text: "acme,gate"},
		"password.breached_file":              {text: write(t, "breached", strings.Repeat("0", 40)+"\n")},
		"password.peppers":                    {text: otherSecret},
		"password.peppers_file":               {text: secretFile},
		"password.skip_pepper":                {text: "true"},
		"password.memory_kib":                 {text: "65536"},
		"password.passes":                     {text: "3"},
		"password.lanes":                      {text: "4"},
		"password.workers":                    {text: "7"},
		"password.queue":                      {text: "9"},
		"session.max_age":                     {text: "7d"},
		"session.absolute_lifetime":           {text: "100d"},
		"session.local_trust":                 {text: "5m"},
		"session.max_per_user":                {text: "10"},
		"secrets_ordinal":                     {text: "2"},
		"session.index_limit":                 {text: "2000"},
		"session.cache_entries":               {text: "5000"},
		"session.max_staleness":               {text: "10s"},
		"session.clear_site_data":             {text: "cache,storage"},
		"tokens.audiences[0].id":              {text: "https://api.example"},
		"tokens.audiences[0].algorithm":       {text: "RS256", with: api},
		"tokens.audiences[0].secret":          {text: otherSecret, with: api},
		"tokens.audiences[0].secret_file":     {text: secretFile, with: api},
		"tokens.audiences[0].lifetime":        {text: "5m", with: api},
		"tokens.audiences[0].scopes":          {text: "read,write", with: api},
		"tokens.audiences[0].claims[0].name":  {text: "mail", with: claim},
		"tokens.audiences[0].claims[0].from":  {text: "user.name", with: claim},
		"tokens.audiences[0].claims[0].value": {text: "x", with: claim},
		"tokens.audiences[0].own":             {text: "true", with: api},
		"tokens.clients[0].id":                {text: "web", with: client},
		"tokens.clients[0].secret_hash":       {text: strings.Repeat("0a", 32), with: client},
		"tokens.clients[0].audiences":         {text: "https://api.example,https://app.example/api/auth", with: both},
		"tokens.clients[0].may_introspect":    {text: "true", with: client},
		"tokens.access_lifetime":              {text: "5m"},
		"tokens.refresh_max_age":              {text: "7d"},
		"tokens.refresh_lifetime":             {text: "60d"},
		"keys.master":                         {text: otherSecret},
		"keys.master_file":                    {text: secretFile},
		"keys.rotate_every":                   {text: "30d"},
		"keys.lead":                           {text: "2h"},
		"api_keys.environment":                {text: "staging"},
		"api_keys.lifetime":                   {text: "30d"},
		"api_keys.max_lifetime":               {text: "380d"},
		"api_keys.max_per_user":               {text: "7"},
		"api_keys.requests":                   {text: "60"},
		"api_keys.period":                     {text: "30s"},
		"api_keys.cache_entries":              {text: "2000"},
		"management.listen":                   {text: "both"},
		"management.requests":                 {text: "30"},
		"audit.retention":                     {text: "90d"},
		"limits.account_failures":             {text: "7"},
		"limits.account_max_delay":            {text: "1h30m"},
		"limits.address_failures":             {text: "70"},
		"limits.unknown_failures":             {text: "700"},
		"limits.address_period":               {text: "1d"},
		"limits.registrations":                {text: "3"},
		"client_address.trusted_proxies":      {text: "10.0.0.1,fd00::/8"},
		"client_address.header":               {text: "X-Real-IP"},
		"rate_limits[0].name":                 {text: "other", with: limit},
		"rate_limits[0].per":                  {text: "principal,route", with: limit},
		"rate_limits[0].burst":                {text: "30", with: limit},
		"rate_limits[0].period":               {text: "30s", with: limit},
		"rate_limits[0].sustained":            {text: "30", with: limit},
		"rate_limits[0].sustained_period":     {text: "2h", with: limit},
		"redis.url":                           {text: "redis://:secret@127.0.0.1:6379/1"},
		"redis.url_file":                      {text: redisFile},
		"redis.addresses":                     {text: "127.0.0.1:7001,127.0.0.1:7002", with: redis},
		"redis.ca_file":                       {text: "/etc/gatehouse/redis-ca.pem", with: redis},
		"redis.timeout":                       {text: "20ms"},
		"client_address.peer_is_client":       {text: "true", with: map[string]string{"GATEHOUSE_BEHIND_PROXY": "false", "GATEHOUSE_TLS_CERT_FILE": cert, "GATEHOUSE_TLS_KEY_FILE": key}},
		"name":                                {text: "Acme"},
		"csp_report_url":                      {text: "/api/auth/csp-report"},
		"appearance.logo":                     {text: "brand/logo.svg"},
		"appearance.logo_dark":                {text: "brand/logo-dark.svg"},
		"appearance.accent":                   {text: "#a02060"},
		"appearance.accent_dark":              {text: "#ffa0d0"},
		"appearance.radius":                   {text: "0px"},
		"appearance.terms_url":                {text: "/terms"},
		"appearance.privacy_url":              {text: "https://other.example/privacy"},
		"appearance.support_url":              {text: "mailto:help@other.example"},
		"appearance.language":                 {text: "de"},
		"listen":                              {text: "0.0.0.0:9000"},
		"ops_listen":                          {text: "[::1]:9001"},
		"tls.cert_file":                       {text: cert, with: map[string]string{"GATEHOUSE_TLS_KEY_FILE": key}},
		"tls.key_file":                        {text: key, with: map[string]string{"GATEHOUSE_TLS_CERT_FILE": cert}},
		"behind_proxy":                        {text: "true"},
		"shutdown_timeout":                    {text: "10s"},
		"shutdown_delay":                      {text: "5s"},
		"read_header_timeout":                 {text: "5s"},
		"read_timeout":                        {text: "6s"},
		"write_timeout":                       {text: "7s"},
		"idle_timeout":                        {text: "8s"},
		"max_header_bytes":                    {text: "8192"},
		"log.format":                          {text: "json"},
		"log.level":                           {text: "debug"},
		"tracing.endpoint":                    {text: "http://127.0.0.1:4318/v1/traces"},
		"tracing.headers":                     {text: "X-Key=" + otherSecret, with: map[string]string{"GATEHOUSE_TRACING_ENDPOINT": "https://otlp.example"}},
		"tracing.headers_file":                {text: write(t, "headers", "X-Key="+otherSecret+"\n"), with: map[string]string{"GATEHOUSE_TRACING_ENDPOINT": "https://otlp.example"}},
		"tracing.sample_one_in":               {text: "20"},
		"tracing.trust_parent":                {text: "true", with: map[string]string{"GATEHOUSE_CLIENT_ADDRESS_TRUSTED_PROXIES": "10.0.0.1"}},
	}
	for _, path := range config.Paths() {
		t.Run(path, func(t *testing.T) {
			v, ok := values[path]
			if !ok {
				t.Fatal("this setting has no value in the table: add one")
			}
			base := least()
			maps.Copy(base, v.with)
			name := config.EnvName(path)
			delete(base, name)
			delete(base, strings.TrimSuffix(name, "_FILE"))

			inFile := v.text
			if path == "ops_listen" || strings.HasPrefix(v.text, "#") { // which begins a comment
				inFile = `"` + inFile + `"`
			}
			if strings.Contains(inFile, ",") || path == "secrets" || path == "mounts[0].secrets" || path == "password.peppers" || path == "keys.master" || path == "tracing.headers" {
				inFile = "[" + inFile + "]"
			}
			if path == "mounts[0].iron.ids" { // texts, which YAML would take for numbers
				inFile = `["` + v.text + `"]`
			}
			byFile, err := config.Load(write(t, "g.yaml", asYAML(path, inFile)), environ(base))
			if err != nil {
				t.Fatalf("in the file: %v", err)
			}
			byEnv, err := config.Load("", environ(base, map[string]string{name: v.text}))
			if err != nil {
				t.Fatalf("in the environment: %v", err)
			}
			opts := cmp.Options{cmpopts.IgnoreUnexported(config.Settings{}), cmpopts.IgnoreFields(config.Settings{}, "Warnings")}
			if diff := cmp.Diff(byFile, byEnv, opts); diff != "" {
				t.Errorf("file and environment disagree: %s", diff)
			}
			if without, err := config.Load("", environ(base)); err == nil && cmp.Equal(without, byEnv, opts) {
				t.Error("the setting changes nothing")
			}
			// The environment wins, whatever the file says.
			both, err := config.Load(write(t, "g.yaml", asYAML(path, inFile)), environ(base, map[string]string{name: v.text}))
			if err != nil || !cmp.Equal(both, byEnv, opts) {
				t.Errorf("both together: %v", err)
			}
		})
	}
	if got := len(config.Paths()); got != len(values) {
		t.Errorf("%d settings, %d values in the table", got, len(values))
	}
}

func TestPaths_noTwoSettingsShareAVariable(t *testing.T) {
	seen := map[string]string{}
	for _, path := range config.Paths() {
		name := config.EnvName(path)
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %s", path, other, name)
		}
		seen[name] = path
	}
}

func TestLoad_environmentAloneIsEnough(t *testing.T) {
	s, err := config.Load("", environ(least()))
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:8787" || s.OpsListen != "127.0.0.1:8788" || s.ShutdownTimeout != 30*time.Second || s.MaxHeaderBytes != 65536 {
		t.Errorf("not the documented defaults: %+v", s.Server)
	}
	if s.Mounts[0].BasePath != "/api/auth" || s.Session.MaxAge != 30*24*time.Hour {
		t.Errorf("not the documented defaults: %+v", s.Config)
	}
}

func TestLoad_elementsOfListsByIndex(t *testing.T) {
	file := write(t, "g.yaml", `
public_origin: https://app.example
behind_proxy: true
secrets: ["`+ownSecret+`"]
mounts:
  - base_path: /api/auth
    secrets: ["`+appSecret+`"]
registration: {roles: [a, b]}
`)
	s, err := config.Load(file, environ(map[string]string{
		"GATEHOUSE_SECRETS_1":          ownSecond,
		"GATEHOUSE_MOUNTS_1_BASE_PATH": "/auth",
		"GATEHOUSE_MOUNTS_1_DIALECT":   "v5",
		"GATEHOUSE_MOUNTS_1_SECRETS_0": otherSecret,
		"GATEHOUSE_REGISTRATION_ROLES": " c , d",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Secrets) != 2 || s.Secrets[0] != ownSecret || s.Secrets[1] != ownSecond {
		t.Errorf("%d secrets", len(s.Secrets))
	}
	if len(s.Mounts) != 2 || s.Mounts[1].BasePath != "/auth" || s.Mounts[1].Dialect != "v5" || s.Mounts[1].Secrets[0] != otherSecret {
		t.Errorf("mounts: %+v", s.Mounts)
	}
	if diff := cmp.Diff([]string{"c", "d"}, s.Registration.Roles); diff != "" {
		t.Error(diff)
	}
}

func TestLoad_aSecretIsNeverSplitAtItsComma(t *testing.T) {
	s, err := config.Load("", environ(least(), map[string]string{"GATEHOUSE_SECRETS": ownSecond}))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Secrets) != 1 || s.Secrets[0] != ownSecond {
		t.Errorf("got %d secrets", len(s.Secrets))
	}
}

func TestLoad_emptyVariableSetsTheDefaultBack(t *testing.T) {
	file := write(t, "g.yaml", "session: {max_age: 1d}\nregistration: {roles: [a]}\nlisten: 127.0.0.1:1\n")
	s, err := config.Load(file, environ(least(), map[string]string{
		"GATEHOUSE_SESSION_MAX_AGE": "", "GATEHOUSE_REGISTRATION_ROLES": "", "GATEHOUSE_LISTEN": "",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Session.MaxAge != 30*24*time.Hour || len(s.Registration.Roles) != 0 || s.Listen != "127.0.0.1:8787" {
		t.Errorf("got %v, %v, %v", s.Session.MaxAge, s.Registration.Roles, s.Listen)
	}
}

func TestLoad_refuses(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		env        map[string]string
		want       string // "field; part of the problem or cure"
	}{
		{"unknown key", "sesion: {max_age: 1d}", nil, "sesion; did you mean session?"},
		{"unknown key in a group", "session: {maxage: 1d}", nil, "session.maxage; did you mean max_age?"},
		{"unknown key in a list", "mounts: [{base: /x}]", nil, "mounts[0].base; is not a setting"},
		{"key in the wrong group", "max_per_user: 3", nil, "max_per_user; did you mean session.max_per_user?"},
		{"key twice", "name: a\nname: b", nil, "name; stands twice"},
		{"unknown variable", "", map[string]string{"GATEHOUSE_SESSION_MAXAGE": "1d"}, "GATEHOUSE_SESSION_MAXAGE; did you mean GATEHOUSE_SESSION_MAX_AGE?"},
		{"unknown variable with index", "", map[string]string{"GATEHOUSE_MOUNTS_0_BASEPATH": "/x"}, "GATEHOUSE_MOUNTS_0_BASEPATH; did you mean GATEHOUSE_MOUNTS_0_BASE_PATH?"},
		{"variable of a group", "", map[string]string{"GATEHOUSE_MOUNTS": "/x"}, "GATEHOUSE_MOUNTS; is not a setting"},
		{"variable in small letters", "", map[string]string{"GATEHOUSE_name": "x"}, "GATEHOUSE_name; did you mean GATEHOUSE_NAME?"},
		{"gap in a list", "", map[string]string{"GATEHOUSE_MOUNTS_2_DIALECT": "v5"}, "mounts[2].dialect; has no element before it"},
		{"odd index", "", map[string]string{"GATEHOUSE_MOUNTS_00_DIALECT": "v5"}, "GATEHOUSE_MOUNTS_00_DIALECT; is not a setting"},
		{"list and element", "", map[string]string{"GATEHOUSE_REGISTRATION_ROLES": "a", "GATEHOUSE_REGISTRATION_ROLES_0": "b"}, "registration.roles[0]; is also given by GATEHOUSE_REGISTRATION_ROLES"},
		{"number for text", "name: 123", nil, "name; put it in quotes"},
		{"truth value for text", "name: true", nil, "name; put it in quotes"},
		{"text for number", "password: {passes: '3'}", nil, "password.passes; is not a whole number"},
		{"fraction for number", "password: {passes: 3.5}", nil, "password.passes; is not a whole number"},
		{"yes for true", "behind_proxy: yes", nil, "behind_proxy; is neither true nor false"},
		{"1 for true", "", map[string]string{"GATEHOUSE_BEHIND_PROXY": "1"}, "behind_proxy; is neither true nor false"},
		{"duration without unit", "session: {max_age: 90}", nil, "session.max_age; write it with units"},
		{"duration in weeks", "session: {max_age: 2w}", nil, "session.max_age; write it with units"},
		{"zero duration", "session: {max_age: 0s}", nil, "session.max_age; would mean the default"},
		{"zero number", "limits: {registrations: 0}", nil, "limits.registrations; would mean the default"},
		{"number in words", "", map[string]string{"GATEHOUSE_PASSWORD_PASSES": "three"}, "password.passes; is not a whole number"},
		{"text for list", "registration: {roles: admin}", nil, "registration.roles; is a list"},
		{"list for text", "name: [a]", nil, "name; is a single value"},
		{"text for group", "session: 30d", nil, "session; is a group of settings"},
		{"no value", "name:", nil, "name; has no value"},
		{"alias", "name: &a x\nlisten: *a", nil, "name; anchor"},
		{"merge key", "session: {<<: {max_age: 1d}}", nil, "session.?; has a key that is not a plain word"},
		{"secrets twice over", "secrets: [a]\nsecrets_file: x", nil, "secrets; stands beside secrets_file"},
		{"ops on the same port", "listen: 127.0.0.1:9000\nops_listen: 127.0.0.1:9000", nil, "ops_listen; is taken by listen"},
		{"ops on the same port of all", "listen: :9000\nops_listen: 127.0.0.1:9000", nil, "ops_listen; is taken by listen"},
		{"address without port", "listen: 127.0.0.1", nil, "listen; is not an address"},
		{"port by name", "listen: 127.0.0.1:http", nil, "listen; has no such port"},
		{"https with nobody to end TLS", "behind_proxy: false", map[string]string{"GATEHOUSE_BEHIND_PROXY": ""}, "tls.cert_file; behind_proxy: true"},
		{"key without certificate", "tls: {key_file: k}", nil, "tls.cert_file; is missing beside tls.key_file"},
		{"certificate without key", "tls: {cert_file: c}", nil, "tls.key_file; is missing beside tls.cert_file"},
		{"certificate that is none", "tls: {cert_file: c, key_file: k}", nil, "tls.cert_file; cannot be loaded"},
		{"database in no folder", "database: {path: /nowhere/to/be/g.db}", nil, "database.path; is not a folder"},
		{"timeouts", "read_timeout: 2h", nil, "read_timeout; is out of bounds"},
		{"log format", "log: {format: xml}", nil, "log.format; is not a format"},
		{"log level", "log: {level: loud}", nil, "log.level; is not a level"},
		{"collector without a scheme", "tracing: {endpoint: '127.0.0.1:4318'}", nil, "tracing.endpoint; is not an http or https address"},
		{"collector with a key in its address", "tracing: {endpoint: 'https://u:p@otlp.example'}", nil, "tracing.endpoint; put keys into tracing.headers"},
		{"headers for nobody", "", map[string]string{"GATEHOUSE_TRACING_HEADERS_0": "X-Key=1"}, "tracing.headers; has nowhere to go"},
		{"header that is none", "tracing: {endpoint: 'https://otlp.example'}", map[string]string{"GATEHOUSE_TRACING_HEADERS_0": "no header"}, "tracing.headers[0]; write it as Name=value"},
		{"no sampling at all", "tracing: {sample_one_in: -1}", nil, "tracing.sample_one_in; is out of bounds"},
		{"parents of nobody", "tracing: {trust_parent: true}", nil, "tracing.trust_parent; no proxy is named"},
		{"peer behind a proxy", "client_address: {peer_is_client: true}", nil, "client_address.peer_is_client; contradicts behind_proxy"},
		{"what the library refuses", "registration: {mode: maybe}", nil, "registration.mode; is not a mode"},
		{"two documents", "name: a\n---\nname: b", nil, "; more than one document"},
		{"a list for a file", "- name", nil, "; is not a list of settings"},
		{"no YAML", "name: 'a", nil, "; is not YAML"},
		{"tab on the first line", "\tname: a", nil, "; line 1 begins with a tab"},
		{"tab below a group", "name: a\nsession:\n\tmax_age: 7d", nil, "; line 3 begins with a tab"},
		{"tab between", "session:\n  max_age: 7d\n\tlocal_trust: 1h\nname: a", nil, "; line 3 begins with a tab"},
		{"tab behind blanks", "session:\n  \tmax_age: 7d", nil, "; line 2 begins with a tab"},
		{"tab below a comment", "# one\n\n\tname: a", nil, "; line 3 begins with a tab"},
		{"tab in a list", "mounts:\n\t- dialect: v4", nil, "; line 2 begins with a tab"},
		{"character that begins nothing", "name: @a", nil, "; found character that cannot start any token"},
		{"port alone", "listen: 8787", nil, "listen; is not host and port"},
		{"port alone for operations", "ops_listen: 8788", nil, "ops_listen; is not host and port"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := ""
			if tt.file != "" {
				file = write(t, "g.yaml", tt.file)
			}
			_, err := config.Load(file, environ(least(), tt.env))
			list := problemsOf(t, err)
			field, text, _ := strings.Cut(tt.want, "; ")
			if !slices.ContainsFunc(list, func(p config.Problem) bool {
				return p.Field == field && (strings.Contains(p.Problem.Problem, text) || strings.Contains(p.Cure, text))
			}) {
				t.Errorf("got\n%v\nwant %s", err, tt.want)
			}
			for _, p := range list {
				if p.Cure == "" {
					t.Errorf("no cure: %v", p)
				}
			}
		})
	}
}

func TestLoad_reportsAllProblemsOfFileAndEnvironmentAtOnce(t *testing.T) {
	file := write(t, "g.yaml", `
public_origin: http://app.example
sesion: {}
session:
  max_age: forever
  local_trust: 0s
password: {min_length: 8}
`)
	_, err := config.Load(file, environ(map[string]string{
		"GATEHOUSE_LISTEN":         "everywhere",
		"GATEHOUSE_LIMITS_ADDRESS": "1",
		"GATEHOUSE_SECRETS":        "changeme",
	}))
	want := []string{
		"public_origin", "sesion", "session.max_age", "session.local_trust", "password.min_length", // in the order of the lines
		"GATEHOUSE_LIMITS_ADDRESS", "secrets[0]", "mounts", "listen",
	}
	if diff := cmp.Diff(want, fieldsOf(problemsOf(t, err))); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

func TestProblem_namesLineAndVariable(t *testing.T) {
	file := write(t, "g.yaml", "behind_proxy: true\nsession:\n  max_age: 40d\n  absolute_lifetime: 20d\n")
	_, err := config.Load(file, environ(least()))
	want := file + ":3: session.max_age (GATEHOUSE_SESSION_MAX_AGE) 40d is longer than session.absolute_lifetime, 20d; shorten it, or lengthen session.absolute_lifetime"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestLoad_namesOfOthersAreLeftAlone(t *testing.T) {
	_, err := config.Load("", environ(least(), map[string]string{
		"GATEHOUSE_CONFIG": "x", "GATEHOUSE_URL": "http://127.0.0.1:8787",
		// What Kubernetes sets beside a service called gatehouse.
		"GATEHOUSE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_SERVICE_PORT": "80", "GATEHOUSE_SERVICE_PORT_HTTP": "80", "GATEHOUSE_PORT": "tcp://10.0.0.1:80",
		"GATEHOUSE_PORT_80_TCP": "tcp://10.0.0.1:80", "GATEHOUSE_PORT_80_TCP_PROTO": "tcp", "GATEHOUSE_PORT_80_TCP_PORT": "80", "GATEHOUSE_PORT_80_TCP_ADDR": "10.0.0.1",
		"GATEHOUSES": "x", "OTHER": "y",
	}))
	if err != nil {
		t.Error(err)
	}
	if _, err := config.Load("", environ(least(), map[string]string{"GATEHOUSE_PORT": "8080"})); err == nil {
		t.Error("GATEHOUSE_PORT=8080 is silently ignored")
	}
}

func TestLoad_missingFileIsNamed(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), environ(least()))
	if err == nil || !strings.Contains(err.Error(), "none.yaml: no such file") {
		t.Error(err)
	}
}

// Settings that were put together in memory have the problems that the same
// settings have in a file.
func TestCheck_reportsAsLoadDoes(t *testing.T) {
	good, err := config.Load("", environ(least()))
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Check(good); err != nil {
		t.Errorf("good settings: %v", err)
	}
	bad := good
	bad.Session.MaxAge, bad.Listen, bad.Registration.Mode = 36*time.Hour+400*24*time.Hour, "everywhere", "maybe"
	want := []string{"registration.mode", "session.max_age", "session.max_age", "listen"}
	list := problemsOf(t, config.Check(bad))
	if diff := cmp.Diff(want, fieldsOf(list)); diff != "" {
		t.Error(diff)
	}
	if text := list[1].String(); !strings.Contains(text, "401d12h is out of bounds; give 1s to 400d") {
		t.Errorf("a duration is not written as in a file: %s", text)
	}
}

func TestLoad_aFileThatCannotBeReadIsTheOnlyProblem(t *testing.T) {
	for name, file := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none.yaml"), "a folder": t.TempDir(), "no YAML": write(t, "g.yaml", "name: 'a"),
		"two documents": write(t, "g.yaml", "name: a\n---\nname: b"), "a list": write(t, "g.yaml", "- name"),
	} {
		_, err := config.Load(file, []string{"GATEHOUSE_SESSION_MAXAGE=1d"})
		if list := problemsOf(t, err); len(list) != 1 || !strings.Contains(list[0].Problem.Problem, file) {
			t.Errorf("%s: got\n%v\nwant one problem that names the file", name, err)
		}
	}
}

// A date is its whole day, and what is printed is read back as the same.
func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2027-01-31": "2027-02-01T00:00:00Z", "2028-02-28": "2028-02-29T00:00:00Z", "2026-12-31": "2027-01-01T00:00:00Z",
		"2027-01-31T18:00:00Z": "2027-01-31T18:00:00Z", "2027-01-31T18:00:00+02:00": "2027-01-31T16:00:00Z", "2027-02-01T00:00:00Z": "2027-02-01T00:00:00Z",
	} {
		got, err := config.ParseTime(text)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s is %v (%v), want %s", text, got, err, want)
		}
		if again, err := config.ParseTime(config.FormatTime(got)); err != nil || !again.Equal(got) {
			t.Errorf("%s is written %s, which is %v (%v)", text, config.FormatTime(got), again, err)
		}
	}
	for _, text := range []string{"", "tomorrow", "2027-02-30", "2027-1-5", "31.01.2027", "2027-01-31 18:00", "2027-01-31T18:00:00", "0000-01-01", "0000-01-01T00:00:00Z", "20270131", "30d"} {
		if got, err := config.ParseTime(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "0d1s": time.Second, "-5m": -5 * time.Minute,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		if want > 0 && text != "0d1s" && config.FormatDuration(want) != text {
			t.Errorf("%v is written %s, not %s", want, config.FormatDuration(want), text)
		}
	}
	for _, text := range []string{"", "d", "1", "1.5d", "-1d", "1d-1h", "1d+1h", "1dd", "1d1", "1h1d", "99999999d", "65535d2562047h", "1 d", "5 minutes", "∞"} {
		if got, err := config.ParseDuration(text); err == nil && (text != "65535d2562047h" || got < 0) {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	env := environ(least())
	for b.Loop() {
		if _, err := config.Load("", env); err != nil {
			b.Fatal(err)
		}
	}
}
