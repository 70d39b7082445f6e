package useragent

// Names are all that Parse can answer with.
func Names() []string {
	names := []string{"Android Browser"}
	for _, table := range [][]token{programs[:], browsers[:], systems[:]} {
		for _, t := range table {
			names = append(names, t.name)
		}
	}
	return names
}
