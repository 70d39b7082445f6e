package authjs

import "github.com/gatehouse-auth/gatehouse/internal/seal"

// Members writes the members of a JSON object, in the order in which they are
// added. Names are the program's own: they need no escape, and none is added
// twice.
type Members struct {
	json []byte
	some bool
}

// Add adds a member whose value is JSON already.
func (m *Members) Add(name string, raw []byte) {
	m.name(name)
	m.json = append(m.json, raw...)
}

// AddString adds a member that is a text.
func (m *Members) AddString(name, text string) {
	m.name(name)
	m.json = seal.AppendString(m.json, text)
}

// AddStrings adds a member that is a list of texts.
func (m *Members) AddStrings(name string, texts []string) {
	m.name(name)
	m.json = append(m.json, '[')
	for i, text := range texts {
		if i > 0 {
			m.json = append(m.json, ',')
		}
		m.json = seal.AppendString(m.json, text)
	}
	m.json = append(m.json, ']')
}

func (m *Members) name(name string) {
	opening := byte('{')
	if m.some {
		opening = ','
	}
	m.some = true
	m.json = append(m.json, opening, '"')
	m.json = append(m.json, name...)
	m.json = append(m.json, `":`...)
}

// close ends the object and returns the whole.
func (m *Members) close() []byte {
	if !m.some {
		m.json = append(m.json, '{')
	}
	return append(m.json, '}')
}
