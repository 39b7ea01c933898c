package dev.sluice.cli;

import dev.sluice.cli.options.Completion;
import dev.sluice.cli.options.Syntax;

/** {@code sluice completion}: a script for the shell. */
final class CompletionCommand implements Command {
    private static final String ZSH =
            "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n";

    private boolean zsh;

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice completion",
                        "Prints a script that lets the shell complete sluice's commands and options.")
                .parameter("bash|zsh", "The shell.", this::shell)
                .footer(
                        "",
                        "Examples:",
                        "  source <(sluice completion bash)                    for this shell",
                        "  sluice completion bash > ~/.local/share/bash-completion/completions/sluice",
                        "  sluice completion zsh > ~/.zsh-sluice; echo 'source ~/.zsh-sluice' >> ~/.zshrc");
    }

    private void shell(String name) {
        zsh = name.equals("zsh");
        if (!zsh && !name.equals("bash")) {
            throw new IllegalArgumentException("'" + name + "' is neither");
        }
    }

    @Override
    public Integer call() {
        System.out.print((zsh ? ZSH : "") + Completion.bash(Sluice.syntax(), Sluice.syntaxes()));
        System.out.flush();
        return ExitCode.OK;
    }
}
