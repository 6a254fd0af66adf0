#include "tools/odradek/completion.h"

#include <fmt/format.h>

#include <vector>

namespace odradek::tool {
namespace {

// A verb with all that may stand behind it.
struct CompletedVerb {
  std::string path;  // "odradek sim run"
  std::vector<const CLI::App*> verbs;
  std::vector<const CLI::Option*> options;
  std::vector<const CLI::Option*> positionals;
};

void Collect(const CLI::App& app, const std::string& path, std::vector<CompletedVerb>& into) {
  CompletedVerb verb{.path = path};
  // What belongs to no group is accepted for the sake of other tools' habits, and not shown.
  const auto is_shown = [](const auto* part) { return !part->get_group().empty(); };
  for (const CLI::App* sub : app.get_subcommands(is_shown)) verb.verbs.push_back(sub);
  for (const CLI::Option* option : app.get_options(is_shown)) {
    (option->get_positional() ? verb.positionals : verb.options).push_back(option);
  }
  into.push_back(verb);
  for (const CLI::App* sub : verb.verbs) Collect(*sub, path + " " + sub->get_name(), into);
}

std::vector<CompletedVerb> VerbsOf(const CLI::App& app) {
  std::vector<CompletedVerb> verbs;
  Collect(app, app.get_name(), verbs);
  return verbs;
}

// "--seeds", "-h"
std::vector<std::string> NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

bool TakesValue(const CLI::Option& option) {
  return option.get_expected_max() > 0 && option.get_type_size_max() > 0;
}

bool TakesScenario(const CLI::Option& positional) {
  return positional.get_name().starts_with("scenario");
}

// In single quotes of a shell.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// A description inside of a zsh specification in single quotes.
std::string ZshText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

constexpr std::string_view kBashFrame = R"SH(# bash completion of {0}, made by `{0} completion bash`.
_{0}_scenarios() {{
  "$1" sim list 2>/dev/null | cut -d' ' -f1
}}
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} verb={0} verbs="" options="" values="" takes="" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$verb ${{COMP_WORDS[i]}}" in
{1}
    esac
  done
  case "$verb" in
{2}
  esac
  COMPREPLY=()
  if [[ $takes == *" ${{COMP_WORDS[COMP_CWORD-1]}} "* ]]; then
    COMPREPLY=($(compgen -f -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ $values == scenarios ]]; then
    COMPREPLY=($(compgen -W "$(_{0}_scenarios "${{COMP_WORDS[0]}}")" -- "$word") $(compgen -f -- "$word"))
  elif [[ -n $verbs ]]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _{0} {0}
)SH";

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string paths;
  std::string words;
  for (const CompletedVerb& verb : VerbsOf(app)) {
    if (verb.path != app.get_name())
      paths += fmt::format("      {}) verb={} ;;\n", Quoted(verb.path), Quoted(verb.path));
    std::string verbs;
    std::string options;
    std::string takes = " ";
    for (const CLI::App* sub : verb.verbs) verbs += (verbs.empty() ? "" : " ") + sub->get_name();
    for (const CLI::Option* option : verb.options) {
      for (const std::string& name : NamesOf(*option)) {
        options += (options.empty() ? "" : " ") + name;
        if (TakesValue(*option)) takes += name + " ";
      }
    }
    const bool takes_scenario = !verb.positionals.empty() && TakesScenario(*verb.positionals.front());
    words += fmt::format("    {}) verbs={} options={} takes={} values={} ;;\n", Quoted(verb.path), Quoted(verbs),
                         Quoted(options), Quoted(takes), takes_scenario ? "scenarios" : "''");
  }
  if (!paths.empty()) paths.pop_back();
  if (!words.empty()) words.pop_back();
  return fmt::format(kBashFrame, app.get_name(), paths, words);
}

std::string ZshCompletion(const CLI::App& app) {
  const std::string name = app.get_name();
  std::string text = fmt::format("#compdef {0}\n# zsh completion of {0}, made by `{0} completion zsh`.\n", name);
  text += fmt::format(
      "_{0}_scenarios() {{\n  local -a names\n  names=(${{(f)\"$($words[1] sim list 2>/dev/null | cut -d' ' "
      "-f1)\"}})\n  compadd -a names\n  _files\n}}\n",
      name);
  text += fmt::format("_{}() {{\n  local verb={} i\n  local -a verbs options\n", name, name);
  text += "  for ((i = 2; i < CURRENT; ++i)); do\n    case \"$verb ${words[i]}\" in\n";
  const std::vector<CompletedVerb> all = VerbsOf(app);
  for (const CompletedVerb& verb : all) {
    if (verb.path != name) text += fmt::format("      {}) verb={} ;;\n", Quoted(verb.path), Quoted(verb.path));
  }
  text += "    esac\n  done\n  case \"$verb\" in\n";
  for (const CompletedVerb& verb : all) {
    text += fmt::format("    {})\n      verbs=(", Quoted(verb.path));
    for (const CLI::App* sub : verb.verbs) {
      text += "\n        " + Quoted(sub->get_name() + ":" +
                                    ZshText(sub->get_description().substr(0, sub->get_description().find('\n'))));
    }
    text += ")\n      options=(";
    for (const CLI::Option* option : verb.options) {
      for (const std::string& option_name : NamesOf(*option)) {
        text += "\n        " + Quoted(fmt::format("*{}[{}]{}", option_name, ZshText(option->get_description()),
                                                  TakesValue(*option) ? ":value:_files" : ""));
      }
    }
    const bool takes_scenario = !verb.positionals.empty() && TakesScenario(*verb.positionals.front());
    text += fmt::format(")\n      [[ $words[CURRENT] != -* ]] && {} ;;\n",
                        takes_scenario       ? fmt::format("{{ _{}_scenarios; return }}", name)
                        : verb.verbs.empty() ? "{ _files; return }"
                                             : "{ _describe verb verbs; return }");
  }
  text += fmt::format("  esac\n  _arguments $options '*:file:_files'\n}}\n_{} \"$@\"\n", name);
  return text;
}

}  // namespace odradek::tool
