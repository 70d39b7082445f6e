package packaging_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// instruction is one instruction of a Dockerfile, with lines joined.
type instruction struct{ name, args string }

// stage is what follows one FROM.
type stage struct {
	from         string
	instructions []instruction
}

// all returns the arguments of each instruction of that name.
func (s stage) all(name string) []string {
	var out []string
	for _, i := range s.instructions {
		if i.name == name {
			out = append(out, i.args)
		}
	}
	return out
}

// last returns the arguments of the last instruction of that name, or "".
func (s stage) last(name string) string {
	all := s.all(name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// root is the top of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// dockerfile reads the stages. Instructions before the first FROM are dropped.
func dockerfile(t *testing.T) []stage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var stages []stage
	joined := ""
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if head, more := strings.CutSuffix(line, "\\"); more {
			joined += strings.TrimSpace(head) + " "
			continue
		}
		name, args, _ := strings.Cut(joined+line, " ")
		joined = ""
		args = strings.TrimSpace(args)
		switch {
		case name == "FROM":
			stages = append(stages, stage{from: args})
		case len(stages) > 0:
			s := &stages[len(stages)-1]
			s.instructions = append(s.instructions, instruction{name, args})
		}
	}
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages, and these tests know how to read two", len(stages))
	}
	return stages
}

// execForm reads ["a", "b"]; the shell form does not work without a shell.
func execForm(t *testing.T, what, args string) []string {
	t.Helper()
	var words []string
	if err := json.Unmarshal([]byte(args), &words); err != nil || len(words) == 0 {
		t.Fatalf("%s %s is not in the exec form: %v", what, args, err)
	}
	return words
}

func TestDockerfile_shipsNothingButTheProgram(t *testing.T) {
	stages := dockerfile(t)
	final := stages[1]
	if final.from != "scratch" {
		t.Errorf("the last stage is made from %s", final.from)
	}
	if run := final.all("RUN"); len(run) > 0 {
		t.Errorf("the last stage runs %q", run)
	}
	user := regexp.MustCompile(`^([1-9][0-9]*):([1-9][0-9]*)$`)
	if got := final.last("USER"); !user.MatchString(got) {
		t.Errorf("USER %s: Kubernetes' runAsNonRoot wants a number, and not 0", got)
	}
	for _, c := range final.all("COPY") {
		if strings.Contains(c, "--chown=") && !strings.Contains(c, "--chown="+final.last("USER")+" ") {
			t.Errorf("COPY %s: not the user of the image", c)
		}
	}
	execForm(t, "ENTRYPOINT", final.last("ENTRYPOINT"))
	execForm(t, "CMD", final.last("CMD"))
	_, check, _ := strings.Cut(final.last("HEALTHCHECK"), "CMD ")
	execForm(t, "HEALTHCHECK", check)
}

// The programs that a build fetches are named to the last digit, so that the
// same Dockerfile does not mean another compiler tomorrow.
func TestDockerfile_pinsTheCompiler(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^ARG GO_IMAGE=golang:(1\.[0-9]+)\.[0-9]+-[a-z]+(?:@sha256:[0-9a-f]{64})?$`).FindSubmatch(text)
	if m == nil {
		t.Fatal("GO_IMAGE names no exact version")
	}
	mod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "\ngo "+string(m[1])+".") {
		t.Errorf("the image is built with Go %s, and go.mod asks for another", m[1])
	}
	if from := dockerfile(t)[0].from; from != "--platform=$BUILDPLATFORM ${GO_IMAGE} AS build" {
		t.Errorf("the first stage is made from %s", from)
	}
}

func TestDockerfile_takesNothingFromTheNetworkByAddressAndNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(secret|passw|token|credential|api_?key)`)
	for n, s := range dockerfile(t) {
		if add := s.all("ADD"); len(add) > 0 {
			t.Errorf("stage %d: ADD %q: COPY does no more than it says", n, add)
		}
		for _, i := range s.instructions {
			if (i.name == "ARG" || i.name == "ENV") && secret.MatchString(i.args) {
				t.Errorf("stage %d: %s %s would stay in the image's history", n, i.name, i.args)
			}
			if i.name == "RUN" && regexp.MustCompile(`\b(curl|wget|git clone)\b|https?://`).MatchString(i.args) {
				t.Errorf("stage %d: RUN %s fetches what no checksum of ours covers", n, i.args)
			}
		}
	}
}

func TestDockerfile_keepsHealthInsideAndServesAddressesThatItNames(t *testing.T) {
	final := dockerfile(t)[1]
	env := environment(t, final)
	_, port, found := strings.Cut(env["GATEHOUSE_LISTEN"], ":")
	if !found || final.last("EXPOSE") != port {
		t.Errorf("EXPOSE %s, and GATEHOUSE_LISTEN is %q", final.last("EXPOSE"), env["GATEHOUSE_LISTEN"])
	}
	if v, ok := env["GATEHOUSE_OPS_LISTEN"]; ok {
		t.Errorf("the ops listener is moved to %s", v)
	}
	volume := execForm(t, "VOLUME", final.last("VOLUME"))[0]
	if !strings.HasPrefix(env["GATEHOUSE_DATABASE_PATH"], volume+"/") {
		t.Errorf("the database %s is not in the volume %s: it would be lost with the container", env["GATEHOUSE_DATABASE_PATH"], volume)
	}
}

// environment reads the ENV instructions.
func environment(t *testing.T, s stage) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, line := range s.all("ENV") {
		for _, word := range strings.Fields(line) {
			name, value, ok := strings.Cut(word, "=")
			if unquoted, err := strconv.Unquote(value); err == nil {
				value = unquoted
			}
			if !ok {
				t.Fatalf("ENV %s: not NAME=VALUE", line)
			}
			env[name] = value
		}
	}
	return env
}
