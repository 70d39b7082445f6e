package management_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// The page that says who may call what is compared with the table that decides.
//
// proves: ASVS 8.1.1
func TestDocs_nameEveryOperationAndItsPermission(t *testing.T) {
	b, err := os.ReadFile("../../../docs/management-api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, o := range management.Rows() {
		row := "| `" + o.ID + "` | `" + o.Method + " " + o.Path + "` | "
		_, rest, there := strings.Cut(text, row)
		said, _, _ := strings.Cut(rest, "|\n")
		if !there || !strings.Contains(said, o.Permission) || o.Permission != "" && strings.TrimSpace(said) != "`"+o.Permission+"`" {
			t.Errorf("docs/management-api.md does not say %s… %s", row, o.Permission)
		}
	}
	if said, have := strings.Count(text, "` | `GET /")+strings.Count(text, "` | `POST /")+strings.Count(text, "` | `PATCH /")+strings.Count(text, "` | `PUT /")+strings.Count(text, "` | `DELETE /"), len(management.Rows()); said != have {
		t.Errorf("%d operations are said to be, and %d are", said, have)
	}
}
