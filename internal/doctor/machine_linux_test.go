package doctor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/doctor"
)

// The memory that a server may use is the least of its control groups', of those
// above them, and of the machine.
func TestMemoryOf_isTheLeastLimit(t *testing.T) {
	const meminfo, gib = "MemTotal:        8388608 kB\nMemFree: 1 kB\n", 1 << 30
	for _, tt := range []struct {
		name  string
		files map[string]string
		pid   int
		want  uint64
		whose string
	}{
		{"nothing is known", nil, 7, 0, ""},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 7, 8 * gib, "this machine"},
		{"of its own group", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "268435456\n"}, 7, 256 << 20, "the control group /a/b"},
		{"of the group above", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1073741824", "sys/fs/cgroup/a/memory.max": "536870912"}, 7, 512 << 20, "the control group /a"},
		{"of a container, which sees itself as the top", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "268435456"}, 0, 256 << 20, "the control group /"},
		{"more than the machine has", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "99999999999999"}, 7, 8 * gib, "this machine"},
		{"version 1 alone", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "4:memory:/a\n"}, 7, 8 * gib, "this machine"},
		{"a group that climbs out", map[string]string{"proc/meminfo": meminfo, "proc/7/cgroup": "0::/../../x\n"}, 7, 8 * gib, "this machine"},
	} {
		root := t.TempDir()
		for name, content := range tt.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, whose := doctor.MemoryOf(root, tt.pid); got != tt.want || whose != tt.whose {
			t.Errorf("%s: %d of %q, want %d of %q", tt.name, got, whose, tt.want, tt.whose)
		}
	}
}
