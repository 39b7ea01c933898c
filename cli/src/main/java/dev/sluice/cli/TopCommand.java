package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Terminal;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import java.io.IOException;

/** {@code sluice top}: a running sluice at a glance, again and again. */
final class TopCommand implements Command {
    private static final String FLOWS = "/v1/flows?sort=rate&limit=200";

    private final Asking asking = new Asking();

    @Override
    public Syntax syntax() {
        return asking.addTo(new Syntax(
                        "sluice top",
                        "Shows the busiest flows, the guests and what is dropped, until q is pressed. Without a terminal it"
                                + " prints them once."))
                .footer(
                        "",
                        "Examples:",
                        "  sluice top",
                        "  sluice top --interval 1",
                        "  sluice top | head -n 20                     once, as text",
                        "",
                        "Keys: q ends.",
                        "Exit code: 0; 69 if nothing answers.");
    }

    @Override
    public Integer call() throws IOException {
        ControlClient client = asking.client();
        TopScreen screen = new TopScreen();
        if (asking.json() || !Terminal.isThere()) {
            return asking.show(
                    each -> asking.json() ? each.get(FLOWS) : each.get("/v1/status"),
                    status -> text(screen, status, client));
        }
        run(client, screen);
        return ExitCode.OK;
    }

    private static String text(TopScreen screen, Answer status, ControlClient client) {
        try {
            screen.update(
                    status, Asking.read(client.get("/v1/guests")), Asking.read(client.get(FLOWS)), System.nanoTime());
            return String.join("\n", screen.lines(Integer.MAX_VALUE)) + "\n";
        } catch (ControlException e) {
            throw Failure.unavailable(String.valueOf(e.getMessage()));
        }
    }

    private void run(ControlClient client, TopScreen screen) throws IOException {
        try (Terminal terminal = Terminal.open()) {
            long next = System.nanoTime();
            while (true) {
                long now = System.nanoTime();
                if (now - next >= 0) {
                    screen.update(
                            Asking.read(client.get("/v1/status")),
                            Asking.read(client.get("/v1/guests")),
                            Asking.read(client.get(FLOWS)),
                            now);
                    next = now + asking.interval() * 1_000_000_000L;
                }
                terminal.show(screen.lines(terminal.rows()));
                int key = terminal.key(Math.max(1, (next - System.nanoTime()) / 1_000_000));
                if (key == 'q' || key == 'Q' || key == Terminal.CLOSED) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
