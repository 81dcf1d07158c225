import { hostLink, useKnown } from "../app/known";

interface Properties {
  address: string;
  label?: string;
  /** Its name, which stands beside it. */
  name?: string | null;
}

/** An address that leads to the page of its host. */
export function HostLink({ address, label, name }: Properties) {
  const { question } = useKnown();
  return (
    <>
      <a href={hostLink(address, question)}>{label ?? address}</a>
      {name && <span class="also">{name}</span>}
    </>
  );
}
