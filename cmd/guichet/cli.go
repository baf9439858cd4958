package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// grammar is the part of the command line that no system owns.
type grammar struct {
	Serve   serveCommand   `cmd:"" group:"house" help:"Serve the systems and the portal until interrupted."`
	Migrate migrateCommand `cmd:"" group:"house" help:"Bring the database to this version's schema, then exit."`
	Version versionCommand `cmd:"" group:"house" help:"Print the version."`
}

const about = "Guichet serves backends from their contracts: one binary, one PostgreSQL, which it brings itself unless DATABASE_URL names one."

const examples = `  guichet serve                              everything, on 127.0.0.1; http://127.0.0.1:8080 is the portal
  guichet serve --only tiptop                the prize game and the portal
  guichet tiptop user add --email a@example.com --role ADMIN
  guichet tiptop codes issue --count 500000 --out codes.csv
  guichet tiptop game window --from 2026-01-01 --to 2026-01-30
  guichet tickets user add --email a@example.com --nom "Marie Martin" --role admin`

// errHelp ends a parse whose help was asked for and printed.
var errHelp = errors.New("help was printed")

// newParser builds the command line of the house and of every system.
func newParser(g *grammar, systems []system, stdout, stderr io.Writer) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("guichet"),
		kong.Description(about),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: helpWidth}),
		kong.ExplicitGroups([]kong.Group{{Key: "house", Title: "Commands:"}}),
		kong.Help(func(options kong.HelpOptions, ctx *kong.Context) error {
			if err := printHelp(options, ctx, systems); err != nil {
				return err
			}
			return errHelp
		}),
	}
	for _, s := range systems {
		options = append(options, kong.DynamicCommand(s.name, s.title+": "+s.commandsHelp, "", s.commands()))
	}
	parser, err := kong.New(g, options...)
	if err != nil {
		return nil, fmt.Errorf("newParser: %w", err)
	}
	return parser, nil
}

// helpWidth is the widest help, in characters.
const helpWidth = 110

// printHelp writes kong's help of a command, and our own of the whole.
func printHelp(options kong.HelpOptions, ctx *kong.Context, systems []system) error {
	if ctx.Selected() != nil {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: guichet <command> [flags]\n\n%s\n", wrap(about, helpWidth, ""))
	for _, group := range commandGroups(ctx.Model.Node, systems) {
		fmt.Fprintf(&b, "\n%s:\n", group.title)
		columns(&b, 44, group.rows)
	}
	fmt.Fprintf(&b, "\nExamples:\n%s\n", examples)
	fmt.Fprintf(&b, "\nEnvironment variables, with what holds when they are unset in parentheses:\n")
	for _, t := range environment(systems) {
		fmt.Fprintf(&b, "\n%s:\n", t.title)
		var rows [][2]string
		for _, v := range t.variables {
			rows = append(rows, [2]string{v.name, fmt.Sprintf("%s (%s)", v.text, v.fallback)})
		}
		columns(&b, 29, rows)
	}
	fmt.Fprintf(&b, "\nRun \"guichet <command> --help\" for the flags of a command.\n")
	_, err := io.WriteString(ctx.Stdout, b.String())
	return err
}

// helpGroup is commands under one title: what to type, and what it does.
type helpGroup struct {
	title string
	rows  [][2]string
}

// commandGroups lists the commands of the house, then those of each system.
func commandGroups(root *kong.Node, systems []system) []helpGroup {
	groups := []helpGroup{{title: "Commands"}}
	at := map[string]int{}
	for _, s := range systems {
		at[s.name] = len(groups)
		groups = append(groups, helpGroup{title: s.title})
	}
	for _, top := range root.Children {
		leaves := top.Leaves(true)
		if top.Leaf() {
			leaves = []*kong.Node{top}
		}
		group := &groups[at[top.Name]] // the house's own are in none: group 0
		for _, leaf := range leaves {
			group.rows = append(group.rows, [2]string{leaf.Summary(), leaf.Help})
		}
	}
	return groups
}

// columns writes rows in two columns, the second one from width on; a first one that is too long gets a line of its own.
func columns(b *strings.Builder, width int, rows [][2]string) {
	indent := strings.Repeat(" ", width+2)
	for _, row := range rows {
		text := wrap(row[1], helpWidth, indent)
		if len(row[0]) >= width {
			fmt.Fprintf(b, "  %s\n%s\n", row[0], text)
			continue
		}
		fmt.Fprintf(b, "  %-*s%s\n", width, row[0], text[len(indent):])
	}
}

// wrap breaks a text into lines of at most width characters, each after the indent.
func wrap(text string, width int, indent string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+len(line)+1+len(word) > width {
			lines = append(lines, indent+line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, indent+line), "\n")
}
