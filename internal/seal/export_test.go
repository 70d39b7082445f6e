package seal

// DeriveIron is the key that an iron password and a salt yield.
func DeriveIron(secret, salt string) [32]byte {
	s, err := NewIron(IronPassword{ID: "1", Secret: secret})
	if err != nil {
		panic(err)
	}
	return s.passwords[0].derive(salt)
}
