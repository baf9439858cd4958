package tiptop

import (
	"fmt"
	"strconv"
	"strings"
)

// parseAmount reads euros with at most two decimals, "69", "69.5" or "69.00", as cents. The contract has checked the form.
func parseAmount(text string) (cents int64, err error) {
	euros, decimals, _ := strings.Cut(text, ".")
	cents, err = strconv.ParseInt(euros+(decimals + "00")[:2], 10, 64)
	if err != nil || euros == "" || len(decimals) > 2 {
		return 0, fmt.Errorf("parseAmount: %q is not an amount", text)
	}
	return cents, nil
}

// formatAmount writes cents, which are not negative, as euros with two decimals: "39.00".
func formatAmount(cents int64) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}
