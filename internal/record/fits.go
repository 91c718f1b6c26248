package record

// Fits refuses an entry whose record a Secret could not hold, so that nothing is applied which nobody
// could go back from. It costs nothing for what is far from that.
func Fits(e Entry) error {
	size := len(e.Manifest) + len(e.Notes)
	if c := e.Chart; c != nil {
		size += len(c.Stored) + len(c.Config) + len(c.HookManifests) + len(c.Manifest)
	}
	if size < maxSecret/2 { // base64 makes a third more of what cannot be compressed
		return nil
	}
	_, err := encode(&e, &e.Record)
	return err
}
