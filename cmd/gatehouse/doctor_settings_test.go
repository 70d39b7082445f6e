package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// Settings of which nothing is shown still have a digest that tells them apart:
// else the doctor could not say that the server runs with an older pepper.
func TestSettingsDigests_tellSecretsApart(t *testing.T) {
	digest := func(peppers ...auth.Secret) string {
		s := config.Settings{Config: gatehouse.Config{
			Secrets: []auth.Secret{"mP4v-Q7zt_W2xK9sLr8bHc5nJd3yFg6T"}, Password: gatehouse.Password{Peppers: peppers},
		}}
		return settingsDigests(s)["password.peppers"]
	}
	seen := []string{digest(), digest("Yw2mQ0cB7sVx4pHk9eRt1uJz6nLf8aDg"), digest("q3Nf7Zk1Xr9Wb5Tj2Gc8Ly4Ph6Ms0DvE")}
	if seen[0] == seen[1] || seen[1] == seen[2] || slices.Contains(seen, "") {
		t.Errorf("digests %q", seen)
	}
}

// Files of secrets are looked at for who may read them, wherever they are named.
func TestSecretFiles_findsThemAll(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gatehouse.yaml")
	if err := os.WriteFile(file, []byte("secrets_file: own\nmounts: [{secrets_file: app}]\npassword: {peppers_file: pepper}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := secretFiles(file, []string{"GATEHOUSE_SECRETS_FILE=a", "GATEHOUSE_MOUNTS_1_SECRETS_FILE=b", "GATEHOUSE_PASSWORD_PEPPERS_FILE=c", "GATEHOUSE_DATABASE_PATH=d"})
	if want := []string{"a", "b", "c", "own", "app", "pepper"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
