package tree

import "sync"

// Cache keeps what was learned of folders by their ID. It is emptied when it has grown large:
// what is needed comes back in microseconds. A nil Cache keeps nothing.
type Cache struct {
	mu    sync.Mutex
	lists map[string][]Entry
	scans map[string]*scan
	deps  map[string][]string // of the chart in a folder
	size  int                 // entries kept
	files map[string][]byte
	bytes int // of files
}

const (
	maxCached      = 200_000
	maxCachedFile  = 64 << 10
	maxCachedBytes = 4 << 20
)

// Clear forgets everything.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists, c.scans, c.deps, c.files, c.size, c.bytes = nil, nil, nil, nil, 0, 0
}

func (c *Cache) file(id string) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.files[id]
	return data, ok
}

func (c *Cache) keepFile(id string, data []byte) {
	if c == nil || len(data) > maxCachedFile {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes += len(data); c.files == nil || c.bytes > maxCachedBytes {
		c.files, c.bytes = map[string][]byte{}, len(data)
	}
	c.files[id] = data
}

func (c *Cache) list(id string) ([]Entry, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.lists[id]
	return l, ok
}

func (c *Cache) keepList(id string, l []Entry) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(len(l) + 1)
	c.lists[id] = l
}

func (c *Cache) scan(id string) (*scan, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.scans[id]
	return s, ok
}

func (c *Cache) keepScan(id string, s *scan) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(len(s.links) + len(s.submodules) + 1)
	c.scans[id] = s
}

func (c *Cache) dependencies(id string) ([]string, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.deps[id]
	return d, ok
}

func (c *Cache) keepDependencies(id string, deps []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(len(deps) + 1)
	c.deps[id] = deps
}

// grow is called with mu held.
func (c *Cache) grow(n int) {
	if c.size += n; c.lists == nil || c.size > maxCached {
		c.lists, c.scans, c.deps, c.size = map[string][]Entry{}, map[string]*scan{}, map[string][]string{}, n
	}
}
