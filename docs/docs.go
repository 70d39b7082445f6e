// Package docs holds what the program shows of its documentation. The files are
// made by package internal/config/reference from the settings themselves.
package docs

import _ "embed"

// Schema is the JSON Schema of the configuration file.
//
//go:embed gatehouse.schema.json
var Schema []byte

// Example is the configuration file with every setting, annotated.
//
//go:embed gatehouse.example.yaml
var Example []byte
