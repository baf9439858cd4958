package tickets

import (
	"slices"
	"strings"
	"testing"
)

func TestSearchWords(t *testing.T) {
	t.Parallel()
	for search, want := range map[string]string{
		"":                                 "",
		" \t ":                             "",
		"fuite":                            "fuite",
		"eau  sous-sol":                    "sous-sol eau",
		"fuite FUITE Fuite":                "fuite",
		"fui uit fuite ite":                "fuite",
		"a b c d e f g h i j k l":          "a b c d e f g h i j",
		"aa bbb c dd ee ff gg hh ii jj kk": "bbb aa dd ee ff gg hh ii jj kk",
	} {
		words, longest := searchWords(search)
		if !slices.Equal(words, strings.Fields(want)) {
			t.Errorf("%q has the words %q, want %s", search, words, want)
		}
		if len(words) == 0 && longest != nil || len(words) > 0 && (longest == nil || *longest != words[0]) {
			t.Errorf("%q: the longest is %v", search, longest)
		}
	}
}
