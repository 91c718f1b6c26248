package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const (
	// compressAbove is from how many bytes on an inventory is compressed: below it gains little
	// and people can still read it.
	compressAbove = 2048
	// compressed marks a compressed inventory; no JSON begins like that.
	compressed = "gz:"
	// maxAnnotation leaves room for other annotations in the 256 KiB an object may have of them.
	// It holds some 2500 objects; a larger inventory goes into the Secret's data.
	maxAnnotation = 192 << 10
	// maxInventory bounds what is decompressed.
	maxInventory = 16 << 20
	// inventoryApart, in place of an inventory, says that it is in the Secret's data.
	inventoryApart = "apart"
	// inventoryKey is where in the Secret's data.
	inventoryKey = "inventory"
)

// EncodeInventory makes an inventory text that fits in an annotation: an array of six strings for
// each object (group, version, kind, namespace and name, digest and fields) and a seventh for those
// of which it is recorded when they go, compressed where it is long.
func EncodeInventory(inv model.Inventory) (string, error) {
	rows := make([][]string, len(inv))
	for i, o := range inv {
		name := o.Key.Name
		if o.Key.Namespace != "" {
			name = o.Key.Namespace + "/" + name
		}
		rows[i] = []string{o.Key.Group, o.Version, o.Key.Kind, name, o.Digest, o.Fields}
		if o.Stays != "" {
			rows[i] = append(rows[i], string(o.Stays))
		}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("encoding an inventory: %w", err)
	}
	if len(text) <= compressAbove {
		return string(text), nil
	}
	packed, err := compress(text, fast)
	if err != nil {
		return "", fmt.Errorf("encoding an inventory: %w", err)
	}
	return compressed + base64.StdEncoding.EncodeToString(packed), nil
}

// DecodeInventory reads what EncodeInventory wrote. An inventory without objects is not nil.
func DecodeInventory(text string) (model.Inventory, error) {
	raw := []byte(text)
	if packed, ok := strings.CutPrefix(text, compressed); ok {
		data, err := base64.StdEncoding.DecodeString(packed)
		if err != nil {
			return nil, fmt.Errorf("decoding an inventory: %w", err)
		}
		if raw, err = decompress(data, maxInventory); err != nil {
			return nil, fmt.Errorf("decoding an inventory: %w", err)
		}
	}
	var rows [][]string
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&rows); err != nil {
		return nil, fmt.Errorf("decoding an inventory: %w", err)
	}
	inv := make(model.Inventory, len(rows))
	for i, row := range rows {
		if len(row) != 6 && len(row) != 7 {
			return nil, fmt.Errorf("decoding an inventory: row %d has %d columns, want 6 or 7", i, len(row))
		}
		namespace, name, namespaced := strings.Cut(row[3], "/")
		if !namespaced {
			namespace, name = "", row[3]
		}
		inv[i] = model.Owned{
			Key:     model.ObjectKey{Group: row[0], Kind: row[2], Namespace: namespace, Name: name},
			Version: row[1], Digest: row[4], Fields: row[5],
		}
		if len(row) == 7 {
			inv[i].Stays = model.Stays(row[6])
		}
	}
	return inv, nil
}
