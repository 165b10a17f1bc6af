package problem

import "strconv"

// maxKey is how much of a key is part of a path; longer ones are refused where they are names.
const maxKey = 256

// PathKey is the path of what is under a key of the map at path.
func PathKey(path, key string) string {
	if len(key) > maxKey {
		key = Clip(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// PathIndex is the path of an element of the list at path; the first is 0.
func PathIndex(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
