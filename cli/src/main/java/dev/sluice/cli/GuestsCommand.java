package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Table;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;

/** {@code sluice guests}: who is on the guest network. */
final class GuestsCommand implements Command {
    private final Asking asking = new Asking();

    @Override
    public Syntax syntax() {
        return asking.addTo(
                        new Syntax("sluice guests", "Lists the neighbours on the guest network of a running sluice."))
                .footer(
                        "",
                        "Examples:",
                        "  sluice guests",
                        "  sluice guests --watch --interval 5",
                        "  sluice guests --json | jq -r '.guests[].address'",
                        "",
                        "Exit code: 0; 69 if nothing answers.");
    }

    @Override
    public Integer call() throws ControlException {
        return asking.show(client -> client.get("/v1/guests"), GuestsCommand::text);
    }

    private static String text(Answer answer) {
        Table table = new Table("ADDRESS", "MAC", "NAME", "LINK", "OWN", ">HEARD");
        for (Answer guest : answer.list("guests")) {
            table.row(
                    guest.text("address"),
                    guest.text("mac"),
                    guest.text("hostName"),
                    guest.text("link"),
                    guest.flag("leased") ? "yes" : "no",
                    Units.duration(guest.number("idleSeconds")) + " ago");
        }
        return table.isEmpty() ? "no guests\n" : table.toString();
    }
}
