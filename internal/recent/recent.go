// Package recent keeps what was used last, up to a limit of what it takes.
package recent

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache keeps values by key, those used last. The zero value is ready; it is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu    sync.Mutex
	items *simplelru.LRU[K, item[V]]
	size  int64
}

type item[V any] struct {
	value V
	size  int64
}

// Get gives a value and marks it as used.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		return value, false
	}
	it, ok := c.items.Get(key)
	return it.value, ok
}

// Put keeps a value in place of the one before, and drops those used longest ago until all sizes
// together are within the limit. It gives the keys of what is not kept any more.
func (c *Cache[K, V]) Put(key K, value V, size, limit int64) (dropped []K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		// It counts entries, which is not what is limited here.
		c.items, _ = simplelru.NewLRU[K, item[V]](math.MaxInt, nil)
	}
	c.remove(key)
	c.items.Add(key, item[V]{value, size})
	for c.size += size; c.size > limit; {
		oldest, it, ok := c.items.RemoveOldest()
		if !ok {
			break
		}
		c.size -= it.size
		dropped = append(dropped, oldest)
	}
	return dropped
}

// Remove drops a value.
func (c *Cache[K, V]) Remove(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items != nil {
		c.remove(key)
	}
}

// remove is called with mu held.
func (c *Cache[K, V]) remove(key K) {
	if it, ok := c.items.Peek(key); ok {
		c.items.Remove(key)
		c.size -= it.size
	}
}

// Size is the sum of the sizes of all that is kept.
func (c *Cache[K, V]) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}
