package main

import (
	"bytes"
	"cmp"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// machineMade are settings whose defaults come from the cores that a process
// may use: they may differ between the server and a command beside it.
var machineMade = []string{"password.workers", "password.queue"}

// settingsDigests has a keyed digest for each setting, so that "gatehouse
// doctor" can tell which ones a running server was started with without
// anybody learning a value from the ops listener. The key comes from
// Gatehouse's own first secret.
func settingsDigests(s config.Settings) map[string]string {
	if len(s.Secrets) == 0 {
		return nil
	}
	key, err := hkdf.Key(sha256.New, []byte(s.Secrets[0].Reveal()), nil, "gatehouse doctor settings v1", sha256.Size)
	if err != nil {
		return nil
	}
	flat := flattened(s)
	for name, clear := range derived() {
		plain := s
		clear(&plain.Config)
		plain.Config = plain.Config.WithDefaults()
		if flattened(plain)[name] == flat[name] {
			flat[name] = "\x00default" // which another setting decides
		}
	}
	flat["secrets"] = revealed(s.Secrets)
	flat["password.peppers"] = revealed(s.Password.Peppers)
	flat["keys.master"] = revealed(s.Keys.Master)
	for i, m := range s.Mounts {
		flat[fmt.Sprintf("mounts[%d].secrets", i)] = revealed(m.Secrets)
	}
	out := map[string]string{}
	for name, value := range flat {
		if slices.Contains(machineMade, name) {
			continue
		}
		h := hmac.New(sha256.New, key)
		fmt.Fprintf(h, "%s\x00%s", name, value)
		out[name] = hex.EncodeToString(h.Sum(nil)[:12])
	}
	return out
}

// derived are the settings whose defaults follow from other settings, each with
// what clears it. A default that followed is not a setting that was changed.
func derived() map[string]func(*gatehouse.Config) {
	return map[string]func(*gatehouse.Config){
		"name":                   func(c *gatehouse.Config) { c.Name = "" },
		"password.context_words": func(c *gatehouse.Config) { c.Password.ContextWords = nil },
		"session.max_age":        func(c *gatehouse.Config) { c.Session.MaxAge = 0 },
		"session.local_trust":    func(c *gatehouse.Config) { c.Session.LocalTrust = 0 },
	}
}

// flattened are the settings as "gatehouse config print" shows them, by their
// paths.
func flattened(s config.Settings) map[string]string {
	flat := map[string]string{}
	var printed bytes.Buffer
	var values map[string]any
	if s.Print(&printed) == nil && yaml.Unmarshal(printed.Bytes(), &values) == nil {
		flatten(flat, "", values)
	}
	return flat
}

// flatten names values by their paths. Lists of plain values are one setting.
func flatten(into map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			at := name
			if path != "" {
				at = path + "." + name
			}
			flatten(into, at, inner)
		}
	case []any:
		for i, inner := range v {
			if _, ok := inner.(map[string]any); ok {
				flatten(into, fmt.Sprintf("%s[%d]", path, i), inner)
				continue
			}
			into[path] += fmt.Sprintf("%v\n", inner)
		}
		if len(v) == 0 {
			into[path] = ""
		}
	default:
		into[path] = fmt.Sprint(v)
	}
}

func revealed(list []auth.Secret) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(s.Reveal() + "\n")
	}
	return b.String()
}

var secretFileVariable = regexp.MustCompile(`^GATEHOUSE_(?:(?:MOUNTS_\d+_)?SECRETS|PASSWORD_PEPPERS)_FILE=(.+)$`)

// secretFiles are the files of secrets that the configuration file and the
// environment name, for their permissions. What cannot be read is left out.
func secretFiles(file string, environ []string) (names []string) {
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, e := range environ {
		if m := secretFileVariable.FindStringSubmatch(e); m != nil {
			add(m[1])
		}
	}
	var given struct {
		SecretsFile string `yaml:"secrets_file"`
		Mounts      []struct {
			SecretsFile string `yaml:"secrets_file"`
		} `yaml:"mounts"`
		Password struct {
			PeppersFile string `yaml:"peppers_file"`
		} `yaml:"password"`
		Keys struct {
			MasterFile string `yaml:"master_file"`
		} `yaml:"keys"`
	}
	if content, err := os.ReadFile(file); err == nil && yaml.Unmarshal(content, &given) == nil {
		add(given.SecretsFile)
		for _, m := range given.Mounts {
			add(m.SecretsFile)
		}
		add(given.Password.PeppersFile)
		add(given.Keys.MasterFile)
	}
	return names
}

// doctorEndpoints answer the questions of "gatehouse doctor" on the ops
// listener. The digests are made once: they are of what was started.
func doctorEndpoints(p *program, s config.Settings, g *gatehouse.Gatehouse) []web.Endpoint {
	is := ops.Instance{Version: versionText(), PID: os.Getpid(), Started: p.begun.UTC(), Settings: settingsDigests(s)}
	return ops.DoctorEndpoints(func() ops.Instance {
		now := is
		now.Now = time.Now().UTC()
		return now
	}, g.Probed)
}

// versionText tells builds apart.
func versionText() string {
	version, commit := "(devel)", builtFrom
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(builtAs, info.Main.Version, version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return strings.TrimSpace(version + " " + commit[:min(len(commit), 12)])
}
