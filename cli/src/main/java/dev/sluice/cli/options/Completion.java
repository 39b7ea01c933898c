package dev.sluice.cli.options;

import java.util.List;

/** A script that makes bash complete a program's commands and options; zsh understands it too, after {@code bashcompinit}. */
public final class Completion {
    private Completion() {}

    /** The script for bash. Where it knows nothing, names of files are completed. */
    public static String bash(Syntax program, List<Syntax> commands) {
        StringBuilder names = new StringBuilder();
        StringBuilder cases = new StringBuilder();
        for (Syntax command : commands) {
            if (!command.isHidden()) {
                String name = command.name().substring(program.name().length() + 1);
                names.append(name).append(' ');
                cases.append("    ")
                        .append(name)
                        .append(") words='")
                        .append(options(command))
                        .append("' ;;\n");
            }
        }
        return """
                _%1$s() {
                  local word=${COMP_WORDS[COMP_CWORD]} words='%2$s%3$s'
                  ((COMP_CWORD > 1)) && case ${COMP_WORDS[1]} in
                %4$s    *) words= ;;
                  esac
                  COMPREPLY=()
                  # an option's value, or the file name that follows from no choice at all, is left to the shell
                  if ((COMP_CWORD == 1)) || [[ $word == -* ]]; then
                    COMPREPLY=($(compgen -W "$words" -- "$word"))
                  fi
                }
                complete -o default -F _%1$s %1$s
                """.formatted(program.name(), names, options(program), cases);
    }

    private static String options(Syntax syntax) {
        StringBuilder words = new StringBuilder();
        for (Option option : syntax.options()) {
            words.append(words.isEmpty() ? "" : " ").append(option.name());
        }
        return words.toString();
    }
}
