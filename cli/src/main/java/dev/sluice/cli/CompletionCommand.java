package dev.sluice.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sluice completion}: a script for the shell. */
@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        description = "Prints a script that lets the shell complete sluice's commands and options.",
        footer = {
            "",
            "Examples:",
            "  source <(sluice completion bash)                    for this shell",
            "  sluice completion bash > ~/.local/share/bash-completion/completions/sluice",
            "  sluice completion zsh > ~/.zsh-sluice; echo 'source ~/.zsh-sluice' >> ~/.zshrc"
        })
final class CompletionCommand implements Callable<Integer> {
    enum Shell {
        bash,
        zsh
    }

    @Parameters(paramLabel = "bash|zsh", description = "The shell.")
    Shell shell = Shell.bash;

    @Override
    public Integer call() {
        String script = AutoComplete.bash("sluice", Main.commandLine(""));
        System.out.print(shell == Shell.zsh ? "autoload -U +X compinit && compinit\n" + script : script);
        return ExitCode.OK;
    }
}
