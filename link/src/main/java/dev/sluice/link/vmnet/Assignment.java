package dev.sluice.link.vmnet;

/** What a guest that asks for an identity gets. */
public sealed interface Assignment {
    /** @param known true if its UUID was here before */
    record Granted(VmnetIdentity identity, boolean known) implements Assignment {}

    /** @param message sent to the guest as it is */
    record Refused(String message) implements Assignment {}
}
