//go:build !linux

package password

// stepBack does nothing here.
func stepBack() {}
