package management

// Row is what a test knows of an operation.
type Row struct {
	ID, Method, Path, Permission string
	IfMatch, Once, Reads         bool
	Status                       int
}

// Rows are the table.
func Rows() (list []Row) {
	for _, o := range table() {
		list = append(list, Row{o.id, o.method, o.path, string(o.permission), o.ifMatch, o.once, o.body != nil && !o.bodyless, o.successStatus()})
	}
	return list
}
