package local

// Binary finds the program of the embedded cluster: beside this one, else on the path.
func Binary(self string) (string, error) { return devcluster(self) }
