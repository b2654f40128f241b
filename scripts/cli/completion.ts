/**
 * `completion bash|zsh|fish`: a script that completes verbs, flags and closed words, made from the commands themselves, so
 * that nothing has to be kept in step by hand. It completes no names of accounts or rollouts: that would ask the API at
 * every press of a key. The scripts are static text: they run nothing of ours while somebody types.
 */
import type { Command, Option } from "commander";
import { closedWords, oneOf } from "./arguments.ts";
import { pathOfCommand, addVerb, type ProgramContext } from "./verb.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function addCompletion(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "completion",
      summary: "completion of verbs and flags for a shell",
      seeAlso: ["status"],
      offline: true,
      arguments: [{ name: "<shell>", about: SHELLS.join(", "), parse: oneOf(...SHELLS) }],
      notes: [
        "For the name `firebreak`: the command line as one file, or an alias as in",
        '  alias firebreak="npm run --silent firebreak --"',
      ],
      examples: ["completion bash > ~/.local/share/bash-completion/completions/firebreak", "completion fish"],
      run: async ({ terminal, words, json }) => {
        const shell = words.text("shell");
        const script =
          shell === "fish" ? fishScript(program) : shell === "zsh" ? zshScript(program) : bashScript(program);
        terminal.out.write(json ? `${JSON.stringify({ shell, script }, null, 2)}\n` : script);
      },
    },
    context,
  );
}

/** What may stand behind the words of a path, and behind a flag of it. */
interface Place {
  readonly path: string;
  /** The path as it may be written: with each alias of its last word. */
  readonly spellings: readonly string[];
  readonly words: readonly string[];
  readonly values: readonly { readonly flag: string; readonly words: readonly string[] }[];
}

/** Every place of a program: itself, its objects and its verbs. */
export function placesOf(command: Command): readonly Place[] {
  return [placeOf(command), ...command.commands.flatMap(placesOf)];
}

function placeOf(command: Command): Place {
  const path = pathOfCommand(command);
  const above = command.parent === null ? "" : pathOfCommand(command.parent);
  const names = [command.name(), ...command.aliases()];
  const verbs = command.commands.map((each) => each.name());
  const flags = command.options.map(({ long }) => long ?? "").filter((long) => long !== "");
  const closed = command.registeredArguments.flatMap(({ parseArg }) => closedWords(parseArg));
  return {
    path,
    spellings: names.map((name) => (above === "" ? name : `${above} ${name}`)),
    words: [...new Set([...verbs, ...closed, ...flags, "--help"])],
    values: command.options.flatMap((option) => valuesOf(option)),
  };
}

function valuesOf({ long, parseArg }: Option): Place["values"] {
  const words = closedWords(parseArg);
  return long === undefined || words.length === 0 ? [] : [{ flag: long, words }];
}

/** Single quotes hold whatever stands in a table: names of ours have none themselves. */
const quoted = (text: string): string => `'${text}'`;

/** The function that fills COMPREPLY. Runs under `nounset` too, as zsh's bashcompinit does. */
function completingFunction(program: Command): string {
  const places = placesOf(program);
  const steps = places
    .filter(({ path }) => path !== "")
    .map(({ path, spellings }) => `      ${spellings.map(quoted).join("|")}) path=${quoted(path)} ;;`);
  const values = places.flatMap((place) =>
    place.values.map(
      ({ flag, words }) => `    ${quoted(`${place.path} ${flag}`)}) words=${quoted(words.join(" "))} ;;`,
    ),
  );
  const words = places.map(
    ({ path, words: list }) => `      ${quoted(path)}) words=${quoted(list.join(" "))} ;;`,
  );
  return `_firebreak() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
${steps.join("\n")}
    esac
  done
  case "$path $prev" in
${values.join("\n")}
  esac
  if [[ -z "$words" ]]; then
    case "$path" in
${words.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
`;
}

function bashScript(program: Command): string {
  return `# Completion of firebreak for bash: source it, or put it where bash-completion looks.
${completingFunction(program)}complete -o default -F _firebreak firebreak
`;
}

function zshScript(program: Command): string {
  return `#compdef firebreak
# Completion of firebreak for zsh: source it after compinit.
autoload -U +X bashcompinit && bashcompinit
${completingFunction(program)}complete -o default -F _firebreak firebreak
`;
}

function fishScript(program: Command): string {
  const places = placesOf(program);
  const steps = places
    .filter(({ path }) => path !== "")
    .map(
      ({ path, spellings }) =>
        `            case ${spellings.map(quoted).join(" ")}\n                set path ${quoted(path)}`,
    );
  const values = places.flatMap((place) =>
    place.values.map(
      ({ flag, words }) =>
        `        case ${quoted(`${place.path} ${flag}`)}\n            printf '%s\\n' ${words.join(" ")}\n            return`,
    ),
  );
  const words = places.map(
    ({ path, words: list }) =>
      `        case ${quoted(path)}\n            printf '%s\\n' ${list.map(quoted).join(" ")}`,
  );
  return `# Completion of firebreak for fish: put it into ~/.config/fish/completions/firebreak.fish.
function __firebreak_words
    set -l typed (commandline -opc)
    set -l path ''
    for word in $typed[2..-1]
        set -l next (string trim -- "$path $word")
        switch "$next"
${steps.join("\n")}
        end
    end
    switch "$path $typed[-1]"
${values.join("\n")}
    end
    switch "$path"
${words.join("\n")}
    end
end
complete -c firebreak -a '(__firebreak_words)'
`;
}
