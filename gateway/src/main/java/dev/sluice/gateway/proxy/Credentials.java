package dev.sluice.gateway.proxy;

import org.jspecify.annotations.Nullable;

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
    public boolean equals(@Nullable Object other) {
        return other instanceof Credentials same && user.equals(same.user) && password.equals(same.password);
    }

    @Override
    public int hashCode() {
        return user.hashCode();
    }

    @Override
    public String toString() {
        return "(credentials)";
    }
}
