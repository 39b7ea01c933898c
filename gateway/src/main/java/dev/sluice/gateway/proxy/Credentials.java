package dev.sluice.gateway.proxy;

/** A name and a password for an upstream. Not a record: nothing prints it by accident. */
public final class Credentials {
    private final String user;
    private final String password;

    public Credentials(String user, String password) {
        this.user = user;
        this.password = password;
    }

    public String user() {
        return user;
    }

    public String password() {
        return password;
    }

    @Override
    public String toString() {
        return "(credentials)";
    }
}
