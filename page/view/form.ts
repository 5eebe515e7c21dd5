/** Forms whose fields are read when they are submitted. */

export function submitting(run: (form: FormData) => void) {
  return (event: SubmitEvent) => {
    event.preventDefault();
    run(new FormData(event.currentTarget as HTMLFormElement));
  };
}

/** What is in a text field; empty where there is none of that name. */
export const textIn = (form: FormData, name: string) => String(form.get(name) ?? "").trim();

/** The number in a field; 0 where it is empty. */
export const numberIn = (form: FormData, name: string) => Number(textIn(form, name));
