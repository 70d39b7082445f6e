package apikey

// Checksum is what stands behind a body; anybody can compute it.
func Checksum(body string) string {
	var check [checkDigits]byte
	return string(checksum(&check, body))
}
