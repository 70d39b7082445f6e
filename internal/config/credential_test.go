package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// systemd 256 and newer lets the service read its credentials by an access
// control list, which shows as mode 0440.
func TestLoad_credentialsOfSystemdAreNotTheGroups(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("file modes are not Windows's")
	}
	own := write(t, "own", ownSecret+"\n")
	for _, tt := range []struct {
		what, folder string
		mode         os.FileMode
		warned       bool
	}{
		{"a credential", filepath.Dir(own), 0o440, false},
		{"one that a group can change", filepath.Dir(own), 0o460, true},
		{"without systemd", "", 0o440, true},
		{"a file elsewhere", filepath.Join(filepath.Dir(own), "credentials"), 0o440, true},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", tt.folder)
		if err := os.Chmod(own, tt.mode); err != nil {
			t.Fatal(err)
		}
		s, err := config.Load("", environ(fromFiles(own)))
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		for _, w := range s.Warnings {
			warned = warned || w.Field == "secrets_file"
		}
		if warned != tt.warned {
			t.Errorf("%s: warnings are %v", tt.what, s.Warnings)
		}
	}
}
