package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The part of CycloneDX 1.6 that is used (ECMA-424, 1st edition).
type (
	bill struct {
		Schema       string        `json:"$schema"`
		Format       string        `json:"bomFormat"`
		Spec         string        `json:"specVersion"`
		Serial       string        `json:"serialNumber"`
		Version      int           `json:"version"`
		Metadata     metadata      `json:"metadata"`
		Components   []component   `json:"components"`
		Dependencies []dependency  `json:"dependencies"`
		Compositions []composition `json:"compositions"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Scope      string     `json:"scope,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licenses   []license  `json:"licenses,omitempty"`
		URL        string     `json:"purl"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	license struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
	composition struct {
		Aggregate    string   `json:"aggregate"`
		Assemblies   []string `json:"assemblies,omitempty"`
		Dependencies []string `json:"dependencies,omitempty"`
	}
)

// billOf lists what is linked into a program, as the program itself says it.
//
// The sums of go.sum (h1:…) are hashes over a module's file names and hashes,
// not over a file, so they stand among the properties and not as hashes, which
// a reader would compare with the wrong thing. Which module asked for which
// other the program does not know: all stand directly below it, and the
// composition says that this is not known.
func billOf(info *buildinfo.BuildInfo, version string, at time.Time, sum [sha256.Size]byte) ([]byte, error) {
	set := settings(info)
	self := purl(module, version) + "?goarch=" + set["GOARCH"] + "&goos=" + set["GOOS"] + "&type=module"
	program := component{
		Type: "application", Ref: self, Name: "gatehouse", Version: version, URL: self,
		Hashes:   []hash{{"SHA-256", fmt.Sprintf("%x", sum)}},
		Licenses: make([]license, 1),
		Properties: []property{
			{"gatehouse:build:go", info.GoVersion},
			{"gatehouse:build:commit", set["vcs.revision"]},
			{"gatehouse:build:modified", set["vcs.modified"]},
		},
	}
	program.Licenses[0].License.ID = "Apache-2.0"

	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	parts := []component{{Type: "library", Name: "stdlib", Version: goVersion, URL: purl("stdlib", goVersion)}}
	for _, d := range info.Deps {
		m := used(d)
		parts = append(parts, component{
			Type: "library", Name: m.Path, Version: m.Version, URL: purl(m.Path, m.Version),
			Properties: []property{{"gatehouse:go.sum", m.Sum}},
		})
	}
	out := bill{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial: serial(sum), Metadata: metadata{at.Format(time.RFC3339), program},
		Compositions: []composition{{Aggregate: "complete", Assemblies: []string{self}}, {Aggregate: "unknown", Dependencies: []string{self}}},
	}
	below := dependency{Ref: self}
	for i := range parts {
		parts[i].Scope, parts[i].Ref = "required", parts[i].URL
		below.On = append(below.On, parts[i].Ref)
		out.Dependencies = append(out.Dependencies, dependency{Ref: parts[i].Ref})
	}
	out.Components, out.Dependencies = parts, append([]dependency{below}, out.Dependencies...)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // package URLs have ampersands
	encoder.SetIndent("", "  ")
	err := encoder.Encode(out)
	return text.Bytes(), err
}

// purl is the package URL of a module (ECMA-427, type golang).
func purl(path, version string) string {
	steps := strings.Split(path, "/")
	for i := range steps {
		steps[i] = url.PathEscape(steps[i])
	}
	return "pkg:golang/" + strings.Join(steps, "/") + "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
}

// serial is a UUID of version 8 (RFC 9562 §5.8) made from the program's hash:
// another program has another one, and the same program the same.
func serial(sum [sha256.Size]byte) string {
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
