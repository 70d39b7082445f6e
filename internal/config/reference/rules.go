package reference

import (
	"fmt"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/token"
)

const day = 24 * time.Hour

// rule is what the structs do not say about a setting. Each rule repeats one of
// the loader's, and a test asks the loader about both sides of it.
type rule struct {
	// enum are the only texts.
	enum []string
	// least and most bound a number, both allowed.
	least, most int
	// shortest and longest bound a duration, both allowed. A schema cannot
	// compare durations, so they stand in the description alone.
	shortest, longest time.Duration
	// pattern is of a text, or of each text of a list (ECMA 262 and RE2 alike).
	pattern string
	// minLength and maxLength count characters.
	minLength, maxLength int
	maxItems             int
	// varies: the default comes from the machine or from other settings.
	varies bool
	// sample is the value in the example where the default says nothing.
	sample any
	// active: the example has the setting in force.
	active bool
}

const (
	colourPattern = `^$|^#[0-9A-Fa-f]{6}$`
	// durationPattern: days, then what time.ParseDuration reads.
	durationPattern = `^([0-9]+d)?([0-9]+(\.[0-9]*)?(h|m|s|ms|us|µs|ns))*$`
	// timePattern: a date, or a moment with its zone.
	timePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?$`
	// noDuration: nothing, or zero, which would mean the default.
	noDuration = `^[0.dhmsnuµ]*$`

	pagePattern = `^$|^/[^/\\\s#][^\\\s#]*$|^https?://[^\\\s#]+$|^/$`
	linkPattern = `^$|^/$|^/[^/\\\s][^\\\s]*$|^https?://[^\\\s]+$`
	listenPort  = `:[0-9]{1,5}$`
)

var rules = map[string]rule{
	"public_origin":                   {pattern: `^$|^https?://[^A-Z/?#@%\\\s]+$`, sample: "https://app.example", active: true},
	"secrets":                         {minLength: 32, maxLength: 1024, sample: "/etc/gatehouse/secret", active: true},
	"mounts[].base_path":              {pattern: `^$|^/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$`, maxLength: 128, active: true},
	"mounts[].dialect":                {enum: []string{"v4", "v5"}, active: true},
	"secrets_ordinal":                 {least: 1, most: 1_000_000},
	"mounts[].secrets":                {minLength: 32, maxLength: 1024, sample: "/etc/gatehouse/authjs", active: true},
	"mounts[].pages.sign_in":          {pattern: pagePattern, sample: "/login"},
	"mounts[].pages.sign_out":         {pattern: pagePattern, sample: "/logout"},
	"mounts[].pages.error":            {pattern: pagePattern, sample: "/login/error"},
	"mounts[].pages.verify_request":   {pattern: pagePattern, sample: "/login/check-mail"},
	"mounts[].pages.new_user":         {pattern: pagePattern, sample: "/welcome"},
	"mounts[].session_claims[].name":  {pattern: `^[A-Za-z0-9._~:/#-]{1,128}$`, sample: "tenant"},
	"mounts[].session_claims[].from":  {enum: []string{"user.id", "user.email", "user.name", "user.image", "roles", "session.subject", "session.id", "session.signed_in_at", "update"}, sample: "user.email"},
	"mounts[].session_claims[].value": {sample: "acme"},
	"mounts[].adopt_until":            {sample: "2027-01-31"},
	"mounts[].carrier":                {enum: []string{"sealed", "stored", "iron"}},
	"mounts[].iron.cookie":            {pattern: "^$|^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", maxLength: 128, sample: "app-session"},
	"mounts[].iron.ids":               {pattern: "^[1-9][0-9]{0,9}$", sample: []string{"1"}},
	"mounts[].update_fields":          {enum: []string{"name", "image", "none"}},

	"database.path":              {sample: "/var/lib/gatehouse/gatehouse.db", active: true},
	"database.url":               {pattern: `^$|^postgres(ql)?://`, sample: "/etc/gatehouse/database-url"},
	"database.feed_url":          {pattern: `^$|^postgres(ql)?://`, sample: "/etc/gatehouse/feed-url"},
	"database.max_connections":   {least: 1, most: 1000},
	"database.statement_timeout": {shortest: time.Second, longest: time.Minute},

	"management.listen":   {enum: []string{"ops", "public", "both", "off"}},
	"management.requests": {least: 1, most: 1_000_000},

	"registration.mode":  {enum: []string{"open", "invitation", "closed"}},
	"registration.roles": {pattern: `^[A-Za-z0-9:._-]{1,64}$`, maxItems: 32, sample: []string{"user"}},

	"roles[].name":        {pattern: `^[A-Za-z0-9:._-]{1,64}$`, sample: "clerk"},
	"roles[].description": {maxLength: 200, sample: "Takes orders"},
	"roles[].permissions": {pattern: `^(\*|[a-z0-9_-]+(\.[a-z0-9_-]+){0,7}(\.\*)?):(\*|[a-z0-9_-]+)$`, maxLength: 128, maxItems: 10000, sample: []string{"orders:*", "billing.*:read"}},
	"roles[].inherits":    {pattern: `^[A-Za-z0-9:._-]{1,64}$`, maxItems: 64, sample: []string{"gatehouse.support"}},

	"password.min_length":    {least: 15, most: 64},
	"password.context_words": {pattern: `\S`, sample: []string{"Acme", "app.example"}},
	"password.breached_file": {sample: "/var/lib/gatehouse/breached.txt"},
	"password.peppers":       {minLength: 32, maxLength: 1024, sample: "/etc/gatehouse/peppers"},
	"password.memory_kib":    {least: 19456, most: 1 << 20},
	"password.passes":        {least: 2, most: 64},
	"password.lanes":         {least: 1, most: 255},
	"password.workers":       {least: 1, most: 1024, varies: true, sample: 2},
	"password.queue":         {least: 1, most: 1 << 16, varies: true, sample: 16},

	"session.max_age":           {shortest: time.Second, longest: 400 * day},
	"session.absolute_lifetime": {shortest: time.Minute, longest: 400 * day},
	"session.local_trust":       {shortest: time.Second, longest: 400 * day, varies: true, sample: "5m"},
	"session.max_per_user":      {least: 1, most: 1000},
	"session.index_limit":       {least: 1000, most: 100_000_000},
	"session.cache_entries":     {least: 1000, most: 100_000_000},
	"session.clear_site_data":   {enum: []string{"cache", "cookies", "storage"}},
	"session.max_staleness":     {shortest: time.Second, longest: 5 * time.Minute},

	"audit.retention": {shortest: day, longest: 3650 * day},

	"tokens.audiences[].id":             {sample: "https://api.example"},
	"tokens.audiences[].algorithm":      {enum: []string{"ES256", "RS256", "EdDSA", "HS256"}, sample: "HS256"},
	"tokens.audiences[].secret":         {minLength: 32, maxLength: 1024, sample: "/etc/gatehouse/api-secret"},
	"tokens.audiences[].lifetime":       {shortest: time.Second, longest: day, sample: "5m"},
	"tokens.audiences[].scopes":         {pattern: `^[!#-\[\]-~]{1,128}$`, sample: []string{"read", "write"}},
	"tokens.audiences[].claims[].name":  {pattern: `^[A-Za-z0-9._~:/#-]{1,128}$`, sample: "email"},
	"tokens.audiences[].claims[].from":  {enum: token.Sources(), sample: "user.email"},
	"tokens.audiences[].claims[].value": {sample: "nobody@app.example"},
	"tokens.clients[].id":               {pattern: `^[A-Za-z0-9._~:/-]{1,128}$`, sample: "api"},
	"tokens.clients[].secret_hash":      {pattern: `^$|^[0-9a-f]{64}$`, sample: "0b4c2c0f6ed7f1f6e2c9a9f0a3d5b8e7c6d4e2f1a0b9c8d7e6f5a4b3c2d1e0f9"},
	"tokens.clients[].audiences":        {sample: []string{"https://api.example"}},
	"tokens.access_lifetime":            {shortest: time.Second, longest: day},
	"tokens.refresh_max_age":            {shortest: time.Minute, longest: 400 * day},
	"tokens.refresh_lifetime":           {shortest: time.Minute, longest: 400 * day},

	"api_keys.environment":   {pattern: `^$|^[a-z0-9]{1,16}$`, varies: true, sample: "live"},
	"api_keys.lifetime":      {shortest: time.Minute, longest: 400 * day},
	"api_keys.max_lifetime":  {shortest: time.Minute, longest: 400 * day},
	"api_keys.max_per_user":  {least: 1, most: 1000},
	"api_keys.requests":      {least: 1, most: 1_000_000},
	"api_keys.period":        {shortest: time.Second, longest: day},
	"api_keys.cache_entries": {least: 1, most: 10_000_000},

	"keys.master":       {minLength: 32, maxLength: 1024, sample: "/etc/gatehouse/key-master"},
	"keys.rotate_every": {shortest: time.Hour, longest: 400 * day},
	"keys.lead":         {shortest: time.Minute, longest: 7 * day},

	"limits.account_failures":  {least: 1, most: 100},
	"limits.account_max_delay": {shortest: time.Second, longest: day},
	"limits.address_failures":  {least: 1, most: 1 << 20},
	"limits.unknown_failures":  {least: 1, most: 1 << 20},
	"limits.address_period":    {shortest: time.Second, longest: day},
	"limits.registrations":     {least: 1, most: 1 << 20},

	"rate_limits[].name":             {pattern: `^[a-z0-9][a-z0-9._-]{0,63}$`, sample: "api"},
	"rate_limits[].per":              {enum: []string{"address", "account", "key", "route", "principal"}, sample: []string{"principal"}},
	"rate_limits[].burst":            {least: 1, most: 1_000_000, sample: 20},
	"rate_limits[].period":           {shortest: time.Second, longest: 400 * day, sample: "10s"},
	"rate_limits[].sustained":        {least: 1, most: 1_000_000, sample: 1000},
	"rate_limits[].sustained_period": {shortest: time.Second, longest: 400 * day, sample: "1h"},

	"redis.url":       {pattern: `^$|^rediss?://`, sample: "/etc/gatehouse/redis-url"},
	"redis.addresses": {pattern: `^[^/@\s]+:[0-9]{1,5}$`, sample: []string{"redis2.internal:6379"}},
	"redis.ca_file":   {sample: "/etc/gatehouse/redis-ca.pem"},
	"redis.timeout":   {shortest: time.Millisecond, longest: time.Second},

	"client_address.trusted_proxies": {pattern: `^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$`, sample: []string{"10.0.0.2"}},
	"client_address.header":          {pattern: "^$|^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},

	"name": {sample: "Acme"},

	"csp_report_url": {pattern: `^$|^/$|^/[^/\\\s;,"'<>#][^\\\s;,"'<>#]*$|^https?://[^\\\s;,"'<>#]+$`, sample: "/api/auth/csp-report"},

	"appearance.logo":        {sample: "/etc/gatehouse/logo.svg"},
	"appearance.logo_dark":   {sample: "/etc/gatehouse/logo-dark.svg"},
	"appearance.accent":      {pattern: colourPattern, sample: "#2b4fd0"},
	"appearance.accent_dark": {pattern: colourPattern, sample: "#a9b9f7"},
	"appearance.radius":      {pattern: `^$|^([0-9]|1[0-9]|2[0-4])px$`},
	"appearance.terms_url":   {pattern: linkPattern, sample: "/terms"},
	"appearance.privacy_url": {pattern: linkPattern, sample: "/privacy"},
	"appearance.support_url": {pattern: linkPattern + `|^mailto:[^\s]+@[^\s]+$`, sample: "mailto:help@app.example"},
	"appearance.language":    {enum: []string{"en", "de"}},

	"listen":                {pattern: `^$|` + listenPort},
	"ops_listen":            {pattern: `^$|` + listenPort},
	"tls.cert_file":         {sample: "/etc/gatehouse/tls/cert.pem"},
	"tls.key_file":          {sample: "/etc/gatehouse/tls/key.pem"},
	"behind_proxy":          {sample: true, active: true},
	"shutdown_timeout":      {shortest: time.Second, longest: time.Hour},
	"shutdown_delay":        {longest: 10 * time.Minute, sample: "5s"},
	"read_header_timeout":   {shortest: time.Second, longest: time.Minute},
	"read_timeout":          {shortest: time.Second, longest: 10 * time.Minute},
	"write_timeout":         {shortest: time.Second, longest: 10 * time.Minute},
	"idle_timeout":          {shortest: time.Second, longest: time.Hour},
	"max_header_bytes":      {least: 4096, most: 1 << 20},
	"tracing.endpoint":      {pattern: `^$|^https?://[^/?#@\s]+(/[^?#\s]*)?$`, sample: "http://127.0.0.1:4318/v1/traces"},
	"tracing.headers":       {pattern: `=`, sample: "/etc/gatehouse/tracing-headers"},
	"tracing.sample_one_in": {least: 1, most: 1 << 20},
	"log.format":            {enum: []string{"text", "json"}},
	"log.level":             {enum: []string{"debug", "info", "warn", "error"}},
}

// bounds says in words what a schema cannot, or what a reader of the example
// would otherwise not see; "" when nothing is bounded.
func (r rule) bounds() string {
	switch {
	case r.longest > 0 && r.shortest > 0:
		return fmt.Sprintf("Allowed: %s to %s.", config.FormatDuration(r.shortest), config.FormatDuration(r.longest))
	case r.longest > 0:
		return fmt.Sprintf("Allowed: at most %s.", config.FormatDuration(r.longest))
	case r.most > 0:
		return fmt.Sprintf("Allowed: %d to %d.", r.least, r.most)
	}
	return ""
}

// defaultOf is the default that the descriptions show.
func defaultOf(s config.Setting) any {
	if rules[s.Path].varies {
		return nil
	}
	return s.Default
}
